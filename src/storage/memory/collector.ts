/**
 * Walks through all peers to remove some, in slices between which the tracker serves requests: garbage collection
 * those that have not announced for long, eviction those of some swarms.
 *
 * A slice looks at peers until its time is up, then gives way to whatever waits in the event loop. It goes
 * by swarm number and, within a swarm, from the last position to the first: removing a peer moves only
 * peers that have been looked at already. What comes and goes between two slices may move a peer past
 * the walk's place; that peer is found at the next collection.
 */

import { SHARD_LOCKS } from './areas.ts';
import type { CollectionRun } from './collection-figures.ts';
import type { NoLocks } from './locks.ts';
import type { SwarmPeers } from './swarm-peers.ts';
import { PEERS } from './swarm-table.ts';

/** A slice ends after this long, in milliseconds. */
const SLICE = 0.25;

/** How many peers are looked at between two looks at the time. */
const STEP = 256;

/** A position behind every peer of a swarm. */
const END = 2 ** 31 - 1;

/** One walk over the swarms of one family. */
export class Collection {
  readonly #peers: SwarmPeers;
  readonly #locks: NoLocks;
  readonly #before: number;
  readonly #now: number;
  readonly #isKept: ((swarm: number) => boolean) | undefined;
  #swarm = 0;
  #position = END;
  #budget = 0;

  /**
   * @param before peers last seen before this second are removed
   * @param now the present second
   * @param isKept instead of a time: all peers of swarms that it says false of are removed
   */
  constructor(
    peers: SwarmPeers,
    locks: NoLocks,
    before: number,
    now: number,
    isKept?: (swarm: number) => boolean,
  ) {
    this.#peers = peers;
    this.#locks = locks;
    this.#before = before;
    this.#now = now;
    this.#isKept = isKept;
  }

  /**
   * Resolves when every swarm has been looked at, or `stopped` says so.
   *
   * @param figures is told of slices and swarms
   */
  async run(stopped: () => boolean, figures: CollectionRun): Promise<void> {
    let begun = performance.now();
    for (;;) {
      const more = this.#slice(begun + SLICE, figures);
      const paused = performance.now();
      figures.sliced(paused - begun);
      if (!more) return;
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (stopped()) return;
      begun = performance.now();
      figures.waited(begun - paused);
    }
  }

  /** Returns whether there is more to do. */
  #slice(deadline: number, figures: CollectionRun): boolean {
    const { swarms } = this.#peers;
    do {
      this.#budget = STEP;
      while (this.#budget > 0) {
        if (this.#swarm === swarms.length) return false;
        if (swarms.isLive(this.#swarm)) this.#look(figures);
        else this.#position = 0;
        this.#budget--;
        if (this.#position > 0) continue;
        this.#swarm++;
        this.#position = END;
      }
    } while (performance.now() < deadline);
    return true;
  }

  /** Looks at the current swarm's peers before the current position, as many as the budget allows. */
  #look(figures: CollectionRun): void {
    const { swarms } = this.#peers;
    // Another thread may give the record to another swarm as long as its shard is not locked.
    const shard = swarms.shardOf(this.#swarm);
    this.#locks.acquire(SHARD_LOCKS + shard);
    try {
      if (swarms.isLive(this.#swarm) && swarms.shardOf(this.#swarm) === shard) this.#lookLocked(figures);
      else this.#position = 0;
    } finally {
      this.#locks.release(SHARD_LOCKS + shard);
    }
  }

  #lookLocked(figures: CollectionRun): void {
    const peers = this.#peers;
    const swarm = this.#swarm;
    const size = peers.size(swarm);
    const isKept = this.#isKept;
    if (isKept?.(swarm)) {
      this.#position = 0;
      return;
    }
    if (size === 0 && !isKept && peers.swarms.get(swarm, PEERS) < this.#before) peers.swarms.remove(swarm);
    const from = Math.min(this.#position, size);
    const to = Math.max(0, from - this.#budget);
    for (let i = from - 1; i >= to; i--) {
      if (isKept || peers.lastSeen(swarm, i) < this.#before) peers.remove(swarm, i, this.#now);
    }
    this.#budget -= from - to;
    this.#position = to;
    // A swarm that is gone with its last peer has the size 0.
    if (to === 0) figures.saw(peers.size(swarm));
  }
}
