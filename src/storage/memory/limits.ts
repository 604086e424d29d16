/**
 * Limits on what the store takes in, over both families and all threads, and counts of what was refused. A
 * store without limits has none of this to pay for.
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

// Words of the area: what there is, and what was refused.
const SWARMS = 0;
const PEERS = 1;
const REFUSED_SWARMS = 2;
const REFUSED_PEERS = 3;
const REFUSED_PEERS_PER_SWARM = 4;
const WORDS = 5;

export class Limits {
  readonly #limits: StoreLimits;
  readonly #words: Int32Array;

  constructor(limits: StoreLimits, memory: StoreMemory) {
    this.#limits = limits;
    this.#words = memory.area(LIMITS_AREA, WORDS);
  }

  /** Takes account of one more swarm. Returns false, having counted the refusal, if there may be none. */
  takeSwarm(): boolean {
    return this.#take(SWARMS, this.#limits.swarms, REFUSED_SWARMS);
  }

  giveSwarm(): void {
    Atomics.sub(this.#words, SWARMS, 1);
  }

  /** The same for one more peer in a swarm of `size`. */
  takePeer(size: number): boolean {
    const { peersPerSwarm } = this.#limits;
    if (peersPerSwarm > 0 && size >= peersPerSwarm) {
      Atomics.add(this.#words, REFUSED_PEERS_PER_SWARM, 1);
      return false;
    }
    return this.#take(PEERS, this.#limits.peers, REFUSED_PEERS);
  }

  givePeer(): void {
    Atomics.sub(this.#words, PEERS, 1);
  }

  /** Starts from what there is: after a repair. What comes and goes at that moment may be missed. */
  reset(swarms: number, peers: number): void {
    Atomics.store(this.#words, SWARMS, swarms);
    Atomics.store(this.#words, PEERS, peers);
  }

  /** Announces refused, by limit. */
  refused(): Sample[] {
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

  #take(word: number, limit: number, refused: number): boolean {
    const before = Atomics.add(this.#words, word, 1);
    if (limit === 0 || before < limit) return true;
    Atomics.sub(this.#words, word, 1);
    Atomics.add(this.#words, refused, 1);
    return false;
  }
}
