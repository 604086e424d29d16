/**
 * The memory store: all swarms as packed bytes in this process. No object is made for a peer or a swarm,
 * and every call answers at once.
 *
 *   MemoryPeerStore ── SwarmPeers (IPv4) ── SwarmTable   infohash → swarm
 *                  └── SwarmPeers (IPv6)  ├ RecordSlab   the peers' bytes
 *                                         └ HashIndex    peer → position, in large swarms
 */

import { randomFillSync } from 'node:crypto';
import { AddressFamily } from '../../bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../bittorrent/announce.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import type { Peer } from '../../bittorrent/peer.ts';
import type { SwarmCounts } from '../../bittorrent/scrape.ts';
import type { Clock } from '../../pkg/clock.ts';
import { Random } from '../../pkg/random.ts';
import { type DeleteResult, type PeerStore, resourceDoesNotExist, type StoreTotals } from '../storage.ts';
import type { Upkeep } from '../upkeep.ts';
import { allocatePrivate } from './allocate.ts';
import { collect } from './collector.ts';
import { NONE } from './hash-index.ts';
import { PeerChoice } from './peer-choice.ts';
import { SwarmPeers } from './swarm-peers.ts';
import { type HashKey, LEECHERS, SEEDERS, SNATCHES } from './swarm-table.ts';

/** Times are kept as whole seconds since 2020-01-01, which 31 bits hold until 2088. */
const EPOCH = 1_577_836_800;

const MAX_SHARDS = 65536;

export class MemoryPeerStore implements PeerStore {
  readonly #clock: Clock;
  readonly #ipv4: SwarmPeers;
  readonly #ipv6: SwarmPeers;
  readonly #choice4: PeerChoice;
  readonly #choice6: PeerChoice;
  #upkeep: Upkeep | undefined;
  #stopped = false;

  constructor(shardCount: number, clock: Clock) {
    this.#clock = clock;
    const shards = 2 ** Math.ceil(Math.log2(Math.min(shardCount, MAX_SHARDS)));
    const [key0, key1] = randomFillSync(new Int32Array(2)) as unknown as [number, number];
    const key: HashKey = { key0, key1 };
    this.#ipv4 = new SwarmPeers(AddressFamily.IPv4, shards, key, allocatePrivate);
    this.#ipv6 = new SwarmPeers(AddressFamily.IPv6, shards, key, allocatePrivate);
    const random = new Random();
    this.#choice4 = new PeerChoice(this.#ipv4, random);
    this.#choice6 = new PeerChoice(this.#ipv6, random);
  }

  putSeeder(infohash: Infohash, peer: Peer): void {
    this.#put(infohash, peer, true);
  }

  putLeecher(infohash: Infohash, peer: Peer): void {
    this.#put(infohash, peer, false);
  }

  graduateLeecher(infohash: Infohash, peer: Peer): void {
    const position = this.#put(infohash, peer, true);
    if (position === NONE) return;
    const peers = this.#of(peer.family);
    peers.snatch(peers.swarms.find(infohash), position);
  }

  deleteSeeder(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#delete(infohash, peer, true);
  }

  deleteLeecher(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#delete(infohash, peer, false);
  }

  announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
  ): boolean {
    const peers = this.#of(announcer.family);
    const swarm = peers.swarms.find(infohash);
    if (swarm === NONE) {
      response.complete = 0;
      response.incomplete = 0;
      return false;
    }
    const seeders = peers.swarms.get(swarm, SEEDERS);
    const leechers = peers.swarms.get(swarm, LEECHERS);
    response.complete = seeders;
    response.incomplete = leechers;
    const own = peers.find(swarm, announcer);
    if (numwant > 0) {
      const choice = announcer.family === AddressFamily.IPv4 ? this.#choice4 : this.#choice6;
      const list = response.peers;
      const before = list.count;
      if (!seeder) choice.choose(swarm, 0, seeders, own, numwant, list);
      choice.choose(swarm, seeders, seeders + leechers, own, numwant - (list.count - before), list);
    }
    return own !== NONE;
  }

  scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): void {
    const { swarms } = this.#of(family);
    const swarm = swarms.find(infohash);
    counts.complete = swarm === NONE ? 0 : swarms.get(swarm, SEEDERS);
    counts.incomplete = swarm === NONE ? 0 : swarms.get(swarm, LEECHERS);
    counts.snatches = swarm === NONE ? 0 : swarms.get(swarm, SNATCHES);
  }

  async collectGarbage(cutoff: number): Promise<void> {
    const second = Math.floor(cutoff / 1000) - EPOCH;
    const stopped = () => this.#stopped;
    await collect(this.#ipv4, second, this.#second(), stopped);
    await collect(this.#ipv6, second, this.#second(), stopped);
  }

  totals(): StoreTotals {
    return {
      infohashes: this.#ipv4.populated + this.#ipv6.populated,
      seeders: this.#ipv4.seeders + this.#ipv6.seeders,
      leechers: this.#ipv4.leechers + this.#ipv6.leechers,
    };
  }

  /** Bytes reserved for swarms and peers, used or free. */
  get byteLength(): number {
    return this.#ipv4.byteLength + this.#ipv6.byteLength;
  }

  /** Ties the store's timers to its life. */
  keepUp(upkeep: Upkeep): void {
    this.#upkeep = upkeep;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#upkeep?.stop();
  }

  #of(family: AddressFamily): SwarmPeers {
    return family === AddressFamily.IPv4 ? this.#ipv4 : this.#ipv6;
  }

  #second(): number {
    return Math.floor(this.#clock.now() / 1000) - EPOCH;
  }

  /** Puts the peer on one side and returns its position; NONE if the store can take no more. */
  #put(infohash: Infohash, peer: Peer, seeder: boolean): number {
    const peers = this.#of(peer.family);
    const second = this.#second();
    let swarm = peers.swarms.find(infohash);
    if (swarm === NONE) swarm = peers.swarms.add(infohash);
    if (swarm === NONE) return NONE;
    const position = peers.find(swarm, peer);
    if (position === NONE) return peers.add(swarm, peer, seeder, second);
    peers.touch(swarm, position, second);
    return peers.setSeeder(swarm, position, seeder);
  }

  #delete(infohash: Infohash, peer: Peer, seeder: boolean): DeleteResult {
    const peers = this.#of(peer.family);
    const swarm = peers.swarms.find(infohash);
    if (swarm === NONE) return resourceDoesNotExist;
    const position = peers.find(swarm, peer);
    if (position === NONE || position < peers.swarms.get(swarm, SEEDERS) !== seeder)
      return resourceDoesNotExist;
    peers.remove(swarm, position, this.#second());
    return undefined;
  }
}
