/**
 * A peer store that is obviously right: strings as keys, maps of maps, a shuffle for a choice. The
 * oracle that the real stores are compared with, and what tests of other layers run on.
 */

import { type AddressFamily, addressLength } from '../../src/bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { COMPACT_OFFSET, Peer } from '../../src/bittorrent/peer.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';
import type { SwarmCounts } from '../../src/bittorrent/scrape.ts';
import { type Clock, systemClock } from '../../src/pkg/clock.ts';
import { Random } from '../../src/pkg/random.ts';
import {
  type DeleteResult,
  type PeerStore,
  resourceDoesNotExist,
  type StoreTotals,
} from '../../src/storage/storage.ts';
import { levelOf } from './preferences.ts';

interface Member {
  readonly peer: Peer;
  seeder: boolean;
  snatched: boolean;
  lastHeard: number;
}

interface Swarm {
  /** By peer id, address and port in hex. */
  readonly members: Map<string, Member>;
  snatches: number;
  /** When the last peer left; the swarm is there as long as its snatches are to be remembered. */
  emptied: number;
}

export class NaivePeerStore implements PeerStore {
  /** By family and infohash in hex. */
  readonly swarms = new Map<string, Swarm>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock = systemClock, random: Random = new Random()) {
    this.#clock = clock;
    this.#random = random;
  }

  putSeeder(infohash: Infohash, peer: Peer): void {
    this.#put(infohash, peer, true);
  }

  putLeecher(infohash: Infohash, peer: Peer): void {
    this.#put(infohash, peer, false);
  }

  deleteSeeder(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#delete(infohash, peer, true);
  }

  deleteLeecher(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#delete(infohash, peer, false);
  }

  graduateLeecher(infohash: Infohash, peer: Peer): void {
    const { swarm, member } = this.#put(infohash, peer, true);
    if (!member.snatched) swarm.snatches++;
    member.snatched = true;
  }

  announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
    preference?: PeerPreference,
  ): boolean {
    const swarm = this.swarms.get(swarmKey(infohash, announcer.family));
    const members = [...(swarm?.members.values() ?? [])];
    response.complete = members.filter((member) => member.seeder).length;
    response.incomplete = members.length - response.complete;

    const self = peerKey(announcer);
    const others = members.filter((member) => peerKey(member.peer) !== self);
    const seeders = this.#shuffle(others.filter((member) => member.seeder));
    const leechers = this.#shuffle(others.filter((member) => !member.seeder));
    const offered = seeder ? leechers : [...seeders, ...leechers];
    if (preference) sortByLevel(offered, announcer, preference);
    for (const { peer } of offered.slice(0, numwant)) response.peers.add(peer);
    return swarm?.members.has(self) ?? false;
  }

  scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): void {
    const swarm = this.swarms.get(swarmKey(infohash, family));
    const members = [...(swarm?.members.values() ?? [])];
    counts.complete = members.filter((member) => member.seeder).length;
    counts.incomplete = members.length - counts.complete;
    counts.snatches = swarm?.snatches ?? 0;
  }

  async collectGarbage(cutoff: number): Promise<void> {
    for (const [key, swarm] of this.swarms) {
      if (swarm.members.size === 0 && swarm.emptied < cutoff) this.swarms.delete(key);
      for (const [name, member] of swarm.members)
        if (member.lastHeard < cutoff) this.#leave(key, swarm, name);
    }
  }

  /** Who is in a swarm, and whether as a seeder. */
  members(infohash: Infohash, family: AddressFamily): Map<Peer, boolean> {
    const swarm = this.swarms.get(swarmKey(infohash, family));
    return new Map([...(swarm?.members.values() ?? [])].map(({ peer, seeder }) => [peer, seeder]));
  }

  async evict(isKept: (infohash: Infohash) => boolean): Promise<void> {
    for (const [key, swarm] of this.swarms) {
      if (isKept(Infohash.fromHex(key.slice(-40)))) continue;
      for (const name of swarm.members.keys()) this.#leave(key, swarm, name);
    }
  }

  /** Of this moment: nothing here is reported by a timer. */
  totals(): StoreTotals {
    const members = [...this.swarms.values()].flatMap((swarm) => [...swarm.members.values()]);
    const seeders = members.filter((member) => member.seeder).length;
    const infohashes = [...this.swarms.values()].filter((swarm) => swarm.members.size > 0).length;
    return { infohashes, seeders, leechers: members.length - seeders };
  }

  async stop(): Promise<void> {
    this.swarms.clear();
  }

  #put(infohash: Infohash, peer: Peer, seeder: boolean): { swarm: Swarm; member: Member } {
    const key = swarmKey(infohash, peer.family);
    const swarm = this.swarms.get(key) ?? { members: new Map<string, Member>(), snatches: 0, emptied: 0 };
    this.swarms.set(key, swarm);
    const name = peerKey(peer);
    const member = swarm.members.get(name) ?? { peer: copyOf(peer), seeder, snatched: false, lastHeard: 0 };
    swarm.members.set(name, member);
    member.seeder = seeder;
    member.lastHeard = this.#clock.now();
    return { swarm, member };
  }

  #delete(infohash: Infohash, peer: Peer, seeder: boolean): DeleteResult {
    const key = swarmKey(infohash, peer.family);
    const swarm = this.swarms.get(key);
    const name = peerKey(peer);
    if (!swarm || swarm.members.get(name)?.seeder !== seeder) return resourceDoesNotExist;
    this.#leave(key, swarm, name);
    return undefined;
  }

  #leave(key: string, swarm: Swarm, name: string): void {
    swarm.members.delete(name);
    if (swarm.members.size > 0) return;
    swarm.emptied = this.#clock.now();
    if (swarm.snatches === 0) this.swarms.delete(key);
  }

  /** Fisher and Yates. */
  #shuffle(members: Member[]): Member[] {
    for (let i = members.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1);
      [members[i], members[j]] = [members[j] as Member, members[i] as Member];
    }
    return members;
  }
}

/** Members on one level stay in their order. */
function sortByLevel(members: Member[], announcer: Peer, preference: PeerPreference): void {
  const levels = new Map(members.map(({ peer }) => [peer, levelOf(preference, announcer, peer)]));
  members.sort((a, b) => (levels.get(a.peer) as number) - (levels.get(b.peer) as number));
}

function swarmKey(infohash: Infohash, family: AddressFamily): string {
  return `${family}:${infohash.hex}`;
}

function peerKey(peer: Peer): string {
  const length = COMPACT_OFFSET + addressLength(peer.family) + 2;
  return Buffer.from(peer.bytes.subarray(0, length)).toString('hex');
}

function copyOf(peer: Peer): Peer {
  const copy = new Peer();
  copy.bytes.set(peer.bytes);
  copy.family = peer.family;
  return copy;
}
