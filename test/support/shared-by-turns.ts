/**
 * A memory store as two threads have it, in one: each call goes to one of two accesses, in a random order that is the
 * same each time. What one access remembers must not be believed after the other has changed it.
 */

import type { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../src/bittorrent/announce.ts';
import type { Infohash } from '../../src/bittorrent/infohash.ts';
import type { Peer } from '../../src/bittorrent/peer.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';
import type { SwarmCounts } from '../../src/bittorrent/scrape.ts';
import type { Clock } from '../../src/pkg/clock.ts';
import { Random } from '../../src/pkg/random.ts';
import { MemoryPeerStore } from '../../src/storage/memory/peer-store.ts';
import { StoreMemory } from '../../src/storage/memory/store-memory.ts';
import type { DeleteResult, PeerStore, StoreTotals } from '../../src/storage/storage.ts';

const SECOND = 2;

export class SharedByTurns implements PeerStore {
  readonly #accesses: readonly [MemoryPeerStore, MemoryPeerStore];
  readonly #random = new Random(Int32Array.of(1, 2, 3, 4));

  constructor(clock: Clock) {
    const host = MemoryPeerStore.create({ shardCount: 4, clock, shared: true });
    const memory = StoreMemory.join(host.channelName as string);
    this.#accesses = [host, MemoryPeerStore.open(memory, host.handle(), SECOND, clock)];
  }

  get #either(): MemoryPeerStore {
    return this.#random.below(2) === 0 ? this.#accesses[0] : this.#accesses[1];
  }

  putSeeder(infohash: Infohash, peer: Peer): void {
    this.#either.putSeeder(infohash, peer);
  }

  putLeecher(infohash: Infohash, peer: Peer): void {
    this.#either.putLeecher(infohash, peer);
  }

  graduateLeecher(infohash: Infohash, peer: Peer): void {
    this.#either.graduateLeecher(infohash, peer);
  }

  deleteSeeder(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#either.deleteSeeder(infohash, peer);
  }

  deleteLeecher(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#either.deleteLeecher(infohash, peer);
  }

  announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
    preference?: PeerPreference,
  ): boolean {
    return this.#either.announcePeers(infohash, announcer, seeder, numwant, response, preference);
  }

  scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): void {
    this.#either.scrapeSwarm(infohash, family, counts);
  }

  collectGarbage(cutoff: number): Promise<void> {
    return this.#either.collectGarbage(cutoff);
  }

  evict(isKept: (infohash: Infohash) => boolean): Promise<void> {
    return this.#either.evict(isKept);
  }

  totals(): StoreTotals {
    return this.#either.totals();
  }

  async stop(): Promise<void> {
    for (const access of this.#accesses) await access.stop();
  }
}
