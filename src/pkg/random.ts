/** A fast generator of random numbers, seeded from the system. Not for secrets. */

import { randomFillSync } from 'node:crypto';

/** xorshift128 (Marsaglia, 2003): four words of state, no multiplication, period 2^128 - 1. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed four words, not all zero; by default from the system */
  constructor(seed: Int32Array = randomFillSync(new Int32Array(4))) {
    [this.#a, this.#b, this.#c, this.#d] = seed as unknown as [number, number, number, number];
    this.#d |= 1;
  }

  /** An integer in `[0, bound)`; `bound` at most 2^32. */
  below(bound: number): number {
    return Math.floor(((this.#next() >>> 0) / 4294967296) * bound);
  }

  /** 32 bits, not all zero. */
  bits(): number {
    return this.#next() || 1;
  }

  #next(): number {
    const t = this.#d ^ (this.#d << 11);
    this.#d = this.#c;
    this.#c = this.#b;
    this.#b = this.#a;
    this.#a = this.#a ^ (this.#a >>> 19) ^ t ^ (t >>> 8);
    return this.#a;
  }
}
