/**
 * Limits on what the store takes in, over both families and all threads, and counts of what was refused. They lie in
 * the store's memory, where every thread sees them change.
 *
 * A store that has never had a limit counts nothing. Counting begins with the first one, and does not end: what there
 * is has to be counted then with every shard locked.
 */

import type { Sample } from '../../pkg/metrics.ts';
import { LIMITS_AREA } from './areas.ts';
import type { StoreMemory } from './store-memory.ts';

/** 0 where there is no limit. */
export interface StoreLimits {
  readonly swarms: number;
  readonly peers: number;
  readonly peersPerSwarm: number;
}

// Words of the area: what there is, what was refused, what there may be, and whether any of this counts.
const SWARMS = 0;
const PEERS = 1;
const REFUSED_SWARMS = 2;
const REFUSED_PEERS = 3;
const REFUSED_PEERS_PER_SWARM = 4;
const MOST_SWARMS = 5;
const MOST_PEERS = 6;
const MOST_PEERS_PER_SWARM = 7;
const COUNTING = 8;
const WORDS = 9;

/** More than this are never reached: records are numbered by 31 bits. */
const LARGEST = 2 ** 31 - 1;

export class Limits {
  readonly #words: Int32Array;

  constructor(memory: StoreMemory) {
    this.#words = memory.area(LIMITS_AREA, WORDS);
  }

  /** To be changed, and read beside a change, with every shard locked. */
  get counting(): boolean {
    return this.#words[COUNTING] !== 0;
  }

  set({ swarms, peers, peersPerSwarm }: StoreLimits): void {
    Atomics.store(this.#words, MOST_SWARMS, Math.min(swarms, LARGEST));
    Atomics.store(this.#words, MOST_PEERS, Math.min(peers, LARGEST));
    Atomics.store(this.#words, MOST_PEERS_PER_SWARM, Math.min(peersPerSwarm, LARGEST));
  }

  /** Begins to count from what there is. */
  begin(swarms: number, peers: number): void {
    this.reset(swarms, peers);
    Atomics.store(this.#words, COUNTING, 1);
  }

  /** Takes account of one more swarm. Returns false, having counted the refusal, if there may be none. */
  takeSwarm(): boolean {
    return !this.counting || this.#take(SWARMS, MOST_SWARMS, REFUSED_SWARMS);
  }

  giveSwarm(): void {
    if (this.counting) Atomics.sub(this.#words, SWARMS, 1);
  }

  /** The same for one more peer in a swarm of `size`. */
  takePeer(size: number): boolean {
    if (!this.counting) return true;
    const most = Atomics.load(this.#words, MOST_PEERS_PER_SWARM);
    if (most > 0 && size >= most) {
      Atomics.add(this.#words, REFUSED_PEERS_PER_SWARM, 1);
      return false;
    }
    return this.#take(PEERS, MOST_PEERS, REFUSED_PEERS);
  }

  givePeer(): void {
    if (this.counting) Atomics.sub(this.#words, PEERS, 1);
  }

  /** Starts from what there is: after a repair. What comes and goes at that moment may be missed. */
  reset(swarms: number, peers: number): void {
    Atomics.store(this.#words, SWARMS, swarms);
    Atomics.store(this.#words, PEERS, peers);
  }

  /** Announces refused, by limit; nothing where there has never been one. */
  refused(): Sample[] {
    if (!this.counting) return [];
    const sample = (limit: string, word: number) => ({
      labels: { limit },
      // Counts go round after 2^32, which Prometheus takes for a restart.
      value: Atomics.load(this.#words, word) >>> 0,
    });
    return [
      sample('swarms', REFUSED_SWARMS),
      sample('peers', REFUSED_PEERS),
      sample('peers_per_swarm', REFUSED_PEERS_PER_SWARM),
    ];
  }

  #take(word: number, most: number, refused: number): boolean {
    const limit = Atomics.load(this.#words, most);
    const before = Atomics.add(this.#words, word, 1);
    if (limit === 0 || before < limit) return true;
    Atomics.sub(this.#words, word, 1);
    Atomics.add(this.#words, refused, 1);
    return false;
  }
}
