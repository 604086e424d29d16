/**
 * A set of digests of one length, in memory that threads share. One thread replaces it as a whole
 * (digest-set-writer.ts); all others see the old set until one moment, and from then on the new one, without a lock
 * and without being told.
 *
 * A new version is written where the one before the present lay. A look-up that took so long that its version is
 * being written over finds out, and looks again: it takes nanoseconds, and a version stays for half a second at least.
 *
 * Memory is used again, not allocated anew, because V8 does not count what is shared: it sees no need to collect
 * replaced buffers, and they pile up. A digest of 20 bytes takes 42, both versions counted.
 */

import { BEGUN, BUCKETS, bucketOf, DigestSetMemory, SIZES, VERSION } from './digest-set-memory.ts';
import { halfSipHash } from './half-siphash.ts';

export class DigestSet {
  readonly memory: DigestSetMemory;

  /** @param words of 32 bits in a digest */
  static create(words: number, capacity: number): DigestSet {
    return new DigestSet(DigestSetMemory.create(words, capacity));
  }

  /** The same set in another thread. */
  static open(buffer: SharedArrayBuffer): DigestSet {
    return new DigestSet(new DigestSetMemory(buffer));
  }

  private constructor(memory: DigestSetMemory) {
    this.memory = memory;
  }

  /** How many digests were added, repeated ones counted again. */
  get size(): number {
    const { control } = this.memory;
    return control[SIZES + (Atomics.load(control, VERSION) & 1)] as number;
  }

  has(digest: Int32Array): boolean {
    const { control } = this.memory;
    for (;;) {
      const version = Atomics.load(control, VERSION);
      const found = this.#isIn(version & 1, digest);
      if (Atomics.load(control, BEGUN) - version < 2) return found;
    }
  }

  #isIn(half: number, digest: Int32Array): boolean {
    const { memory } = this;
    const { words } = memory;
    const hash = halfSipHash(memory.key0, memory.key1, digest, 0, words);
    const bucket = bucketOf(hash, memory.control[BUCKETS + half] as number);
    const starts = memory.starts[half] as Int32Array;
    const digests = memory.digests[half] as Int32Array;
    // What is being written over may say anything, but never leads out of the array.
    const end = (starts[bucket + 1] as number) * words;
    for (let at = (starts[bucket] as number) * words; at < end; at += words) {
      let i = 0;
      while (i < words && digests[at + i] === digest[i]) i++;
      if (i === words) return true;
    }
    return false;
  }
}
