/** Any store, made to answer with promises: what a store behind a network looks like to its callers. */

import type { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../src/bittorrent/announce.ts';
import type { Infohash } from '../../src/bittorrent/infohash.ts';
import type { Peer } from '../../src/bittorrent/peer.ts';
import type { SwarmCounts } from '../../src/bittorrent/scrape.ts';
import type { DeleteResult, PeerStore, StoreTotals } from '../../src/storage/storage.ts';

export class PromisedPeerStore implements PeerStore {
  readonly inner: PeerStore;

  constructor(inner: PeerStore) {
    this.inner = inner;
  }

  async putSeeder(infohash: Infohash, peer: Peer): Promise<void> {
    await turn();
    await this.inner.putSeeder(infohash, peer);
  }

  async putLeecher(infohash: Infohash, peer: Peer): Promise<void> {
    await turn();
    await this.inner.putLeecher(infohash, peer);
  }

  async deleteSeeder(infohash: Infohash, peer: Peer): Promise<DeleteResult> {
    await turn();
    return this.inner.deleteSeeder(infohash, peer);
  }

  async deleteLeecher(infohash: Infohash, peer: Peer): Promise<DeleteResult> {
    await turn();
    return this.inner.deleteLeecher(infohash, peer);
  }

  async graduateLeecher(infohash: Infohash, peer: Peer): Promise<void> {
    await turn();
    await this.inner.graduateLeecher(infohash, peer);
  }

  async announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
  ): Promise<boolean> {
    await turn();
    return this.inner.announcePeers(infohash, announcer, seeder, numwant, response);
  }

  async scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): Promise<void> {
    await turn();
    await this.inner.scrapeSwarm(infohash, family, counts);
  }

  collectGarbage(cutoff: number): Promise<void> {
    return this.inner.collectGarbage(cutoff);
  }

  totals(): StoreTotals {
    return this.inner.totals();
  }

  stop(): Promise<void> {
    return this.inner.stop();
  }
}

/** The next turn of the event loop. Arguments are read after it: the logic must not reuse them meanwhile. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
