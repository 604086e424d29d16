/** Any store, made to answer with promises: what a store behind a network looks like to its callers. */

import type { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';
import type { SwarmCounts } from '../../src/bittorrent/scrape.ts';
import type { DeleteResult, PeerStore, StoreTotals } from '../../src/storage/storage.ts';

export class PromisedPeerStore implements PeerStore {
  readonly inner: PeerStore;

  constructor(inner: PeerStore) {
    this.inner = inner;
  }

  async putSeeder(infohash: Infohash, peer: Peer): Promise<void> {
    const [swarm, member] = copies(infohash, peer);
    await turn();
    await this.inner.putSeeder(swarm, member);
  }

  async putLeecher(infohash: Infohash, peer: Peer): Promise<void> {
    const [swarm, member] = copies(infohash, peer);
    await turn();
    await this.inner.putLeecher(swarm, member);
  }

  async deleteSeeder(infohash: Infohash, peer: Peer): Promise<DeleteResult> {
    const [swarm, member] = copies(infohash, peer);
    await turn();
    return this.inner.deleteSeeder(swarm, member);
  }

  async deleteLeecher(infohash: Infohash, peer: Peer): Promise<DeleteResult> {
    const [swarm, member] = copies(infohash, peer);
    await turn();
    return this.inner.deleteLeecher(swarm, member);
  }

  async graduateLeecher(infohash: Infohash, peer: Peer): Promise<void> {
    const [swarm, member] = copies(infohash, peer);
    await turn();
    await this.inner.graduateLeecher(swarm, member);
  }

  async announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
    preference?: PeerPreference,
  ): Promise<boolean> {
    const [swarm, member] = copies(infohash, announcer);
    await turn();
    return this.inner.announcePeers(swarm, member, seeder, numwant, response, preference);
  }

  async scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): Promise<void> {
    const [swarm] = copies(infohash);
    await turn();
    await this.inner.scrapeSwarm(swarm, family, counts);
  }

  collectGarbage(cutoff: number): Promise<void> {
    return this.inner.collectGarbage(cutoff);
  }

  async evict(isKept: (infohash: Infohash) => boolean): Promise<void> {
    await this.inner.evict?.(isKept);
  }

  async totals(): Promise<StoreTotals> {
    await turn();
    return this.inner.totals();
  }

  stop(): Promise<void> {
    return this.inner.stop();
  }
}

/** The next turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Arguments are the caller's again as soon as a promise has been returned. */
function copies(infohash: Infohash, peer = new Peer()): [Infohash, Peer] {
  const swarm = new Infohash();
  swarm.set(infohash.bytes, 0);
  const member = new Peer();
  member.bytes.set(peer.bytes);
  member.family = peer.family;
  return [swarm, member];
}
