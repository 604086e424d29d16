/**
 * The contract of a peer store: who is in which swarm.
 *
 * A peer is the triple of peer id, address and port. It is in a swarm as a seeder or as a leecher,
 * never as both: putting it on one side takes it from the other. Swarms of IPv4 and of IPv6 peers are
 * separate even under one infohash; `peer.family` (or `family`) says which is meant.
 *
 * A store that can answer at once does so; one that must wait returns a promise. Arguments belong to
 * the caller: a store that waits copies first what it needs afterwards, except that the response of
 * `announcePeers` and the counts of `scrapeSwarm` are its own until its promise settles, and that a preference
 * is for ever.
 *
 * Every store passes `test/conformance/peer-store.ts`.
 */

import type { AddressFamily } from '../bittorrent/address-family.ts';
import type { AnnounceResponse } from '../bittorrent/announce.ts';
import { ClientError } from '../bittorrent/client-error.ts';
import type { Infohash } from '../bittorrent/infohash.ts';
import type { Peer } from '../bittorrent/peer.ts';
import type { PeerPreference } from '../bittorrent/peer-preference.ts';
import type { SwarmCounts } from '../bittorrent/scrape.ts';
import type { MaybePromise } from '../pkg/maybe-promise.ts';

/** Returned, not thrown: a `stopped` announce asks for two deletions and expects one of them to miss. */
export const resourceDoesNotExist = new ClientError('resource does not exist');

/** `undefined` when it was there and is gone, else `resourceDoesNotExist`. */
export type DeleteResult = typeof resourceDoesNotExist | undefined;

/** How much a store holds. */
export interface StoreTotals {
  /** Swarms with at least one peer, IPv4 and IPv6 counted apart. */
  infohashes: number;
  seeders: number;
  leechers: number;
}

export interface PeerStore {
  /** Adds the peer as a seeder, or makes it one, and notes the time. */
  putSeeder(infohash: Infohash, peer: Peer): MaybePromise<void>;
  /** Adds the peer as a leecher, or makes it one, and notes the time. */
  putLeecher(infohash: Infohash, peer: Peer): MaybePromise<void>;
  deleteSeeder(infohash: Infohash, peer: Peer): MaybePromise<DeleteResult>;
  deleteLeecher(infohash: Infohash, peer: Peer): MaybePromise<DeleteResult>;
  /**
   * The peer has completed its download: it becomes a seeder, or is added as one, and the time is
   * noted. The swarm's snatches grow by one, but only once for a peer while it stays in the swarm.
   * They outlive the swarm's last peer, until a collection whose cutoff is later than its leaving.
   */
  graduateLeecher(infohash: Infohash, peer: Peer): MaybePromise<void>;
  /**
   * Sets `response.complete` and `response.incomplete`, and appends up to `numwant` peers of the
   * announcer's family to `response.peers`, as many as the list has room for: to a seeder leechers
   * only, to a leecher first seeders, then leechers, never the announcer itself. From more peers than
   * are wanted each call makes a fresh random choice in which every peer is equally likely.
   *
   * With a preference those on its nearest level come first, then those on the next, and the rest fills up
   * what is left as it would without one; on each level a leecher is given seeders before leechers. Among more
   * peers of a level than are wanted the choice is random. A preference orders within a bounded effort: of a
   * large swarm a store may search a part that is chosen anew each time, and a store that cannot support
   * preferences ignores them.
   *
   * A swarm that is not there counts 0 and 0.
   *
   * @returns whether the announcer is in the swarm already, and so in the counts
   */
  announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
    preference?: PeerPreference,
  ): MaybePromise<boolean>;
  /** Sets the three counts; zeros for a swarm that is not there. */
  scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): MaybePromise<void>;
  /**
   * Removes every peer last heard from before `cutoff` (milliseconds since 1970), in slices between
   * which requests are served. A store also does this by itself, every `gc_interval`.
   */
  collectGarbage(cutoff: number): Promise<void>;
  /**
   * Removes every peer of the swarms whose infohash `isKept` says false of, as if each had left, in slices between
   * which requests are served. What comes in meanwhile may be overlooked. The infohash is the store's own and is
   * filled again for the next swarm. Not every store can: it has to find all its swarms.
   */
  evict?(isKept: (infohash: Infohash) => boolean): Promise<void>;
  totals(): MaybePromise<StoreTotals>;
  /** Whether requests can be answered now. A store without it always can. */
  ready?(): boolean;
  /**
   * Stops timers and closes connections. Nothing may be called afterwards. It ends by itself, whatever it depends on: a
   * tracker that stops waits for it without limit.
   */
  stop(): Promise<void>;
}
