/**
 * Replaces a DigestSet: digests are added one after another, then arranged, and then all of them count at once.
 * Until then, and if it never comes to that, the set is what it was. One writer at a time.
 */

import type { DigestSet } from './digest-set.ts';
import {
  BEGUN,
  BUCKET_SIZE,
  BUCKETS,
  bucketOf,
  type DigestSetMemory,
  SIZES,
  VERSION,
} from './digest-set-memory.ts';
import { halfSipHash } from './half-siphash.ts';

/** Digests that are moved between two pauses: about a quarter of a millisecond's work. */
const STEP = 2048;

export class DigestSetWriter {
  readonly #memory: DigestSetMemory;
  readonly #version: number;
  readonly #starts: Int32Array;
  readonly #digests: Int32Array;
  #size = 0;

  constructor({ memory }: DigestSet) {
    this.#memory = memory;
    this.#version = Atomics.load(memory.control, VERSION) + 1;
    this.#starts = memory.starts[this.#version & 1] as Int32Array;
    this.#digests = memory.digests[this.#version & 1] as Int32Array;
    // From here on nobody relies on what lay here.
    Atomics.store(memory.control, BEGUN, this.#version);
  }

  /** @throws RangeError if there is no room for it */
  add(digest: Int32Array): void {
    const { words, capacity } = this.#memory;
    if (this.#size === capacity) throw new RangeError(`a set of ${capacity} digests is full`);
    const at = this.#size++ * words;
    for (let i = 0; i < words; i++) this.#digests[at + i] = digest[i] as number;
  }

  /** Has what was added count, and nothing else. Yields where others may have their turn; nothing may be added then. */
  *finish(): Generator<void> {
    const { control } = this.#memory;
    const buckets = Math.max(1, Math.ceil(this.#size / BUCKET_SIZE));
    yield* this.#countBuckets(buckets);
    yield* this.#arrange(buckets);
    control[SIZES + (this.#version & 1)] = this.#size;
    control[BUCKETS + (this.#version & 1)] = buckets;
    Atomics.store(control, VERSION, this.#version);
  }

  /** Sets where each bucket starts. */
  *#countBuckets(buckets: number): Generator<void> {
    const starts = this.#starts;
    starts.fill(0, 0, buckets + 1);
    for (let i = 0; i < this.#size; i++) {
      const after = this.#bucketAt(i, buckets) + 1;
      starts[after] = (starts[after] as number) + 1;
      if (i % STEP === 0) yield;
    }
    for (let bucket = 1; bucket <= buckets; bucket++) {
      starts[bucket] = (starts[bucket] as number) + (starts[bucket - 1] as number);
    }
  }

  /** Puts each digest into its bucket, in place: one that is in another's place changes places with it. */
  *#arrange(buckets: number): Generator<void> {
    const free = this.#starts.slice(0, buckets);
    let steps = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      const end = this.#starts[bucket + 1] as number;
      for (let at = free[bucket] as number; at < end; ) {
        const home = this.#bucketAt(at, buckets);
        if (home === bucket) at++;
        else this.#swap(at, free[home] as number);
        free[home] = home === bucket ? at : (free[home] as number) + 1;
        if (++steps % STEP === 0) yield;
      }
    }
  }

  #bucketAt(index: number, buckets: number): number {
    const { key0, key1, words } = this.#memory;
    return bucketOf(halfSipHash(key0, key1, this.#digests, index * words, words), buckets);
  }

  #swap(a: number, b: number): void {
    const { words } = this.#memory;
    const digests = this.#digests;
    for (let i = 0; i < words; i++) {
      const digest = digests[a * words + i] as number;
      digests[a * words + i] = digests[b * words + i] as number;
      digests[b * words + i] = digest;
    }
  }
}
