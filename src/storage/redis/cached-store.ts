/**
 * The Redis store with `local_cache`: busy swarms are answered from copies, and writes are gathered. An announce that is
 * answered so waits for nothing.
 *
 * What the contract asks for and this does not give: a write shows in answers only after a while, and a deletion is
 * reported as done whether its peer was there or not.
 */

import type { AddressFamily } from '../../bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../bittorrent/announce.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import type { Peer } from '../../bittorrent/peer.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import type { SwarmCounts } from '../../bittorrent/scrape.ts';
import type { Logger } from '../../pkg/logger.ts';
import type { MaybePromise } from '../../pkg/maybe-promise.ts';
import { within } from '../../pkg/within.ts';
import type { DeleteResult, PeerStore, StoreTotals } from '../storage.ts';
import { type RedisPeerStore, STOP_PATIENCE } from './peer-store.ts';
import { SwarmCopies } from './swarm-copies.ts';
import { fieldOf } from './values.ts';
import { WriteGatherer } from './write-gatherer.ts';
import { deleteScript, Entry, putScript } from './write-scripts.ts';

export class CachedStore implements PeerStore {
  readonly #store: RedisPeerStore;
  readonly #copies: SwarmCopies;
  readonly #writes: WriteGatherer;

  /** @param life of a copy, in milliseconds */
  constructor(store: RedisPeerStore, life: number, logger: Logger) {
    this.#store = store;
    this.#copies = new SwarmCopies(store, life);
    this.#writes = new WriteGatherer(store, logger);
  }

  putSeeder(infohash: Infohash, peer: Peer): void {
    this.#writes.add(putScript, Entry.Seeder, infohash, peer);
  }

  putLeecher(infohash: Infohash, peer: Peer): void {
    this.#writes.add(putScript, Entry.Leecher, infohash, peer);
  }

  deleteSeeder(infohash: Infohash, peer: Peer): DeleteResult {
    this.#writes.add(deleteScript, Entry.Seeder, infohash, peer);
    return undefined;
  }

  deleteLeecher(infohash: Infohash, peer: Peer): DeleteResult {
    this.#writes.add(deleteScript, Entry.Leecher, infohash, peer);
    return undefined;
  }

  graduateLeecher(infohash: Infohash, peer: Peer): void {
    this.#writes.add(putScript, Entry.Graduate, infohash, peer);
  }

  /** @returns whether the announcer is known, but from a copy `true`: it gives peers, and then nobody asks */
  announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
    preference?: PeerPreference,
  ): MaybePromise<boolean> {
    if (preference)
      return this.#store.announcePeers(infohash, announcer, seeder, numwant, response, preference);
    const field = fieldOf(announcer);
    if (this.#copies.answer(infohash, announcer.family, field, seeder, numwant, response)) return true;
    return this.#store.announcePeers(infohash, announcer, seeder, numwant, response);
  }

  scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): Promise<void> {
    return this.#store.scrapeSwarm(infohash, family, counts);
  }

  collectGarbage(cutoff: number): Promise<void> {
    return this.#store.collectGarbage(cutoff);
  }

  totals(): Promise<StoreTotals> {
    return this.#store.totals();
  }

  ready(): boolean {
    return this.#store.ready();
  }

  /** What was gathered still goes to Redis. */
  async stop(): Promise<void> {
    this.#copies.stop();
    await within(STOP_PATIENCE, this.#writes.flush());
    await this.#store.stop();
  }
}
