/**
 * Where the words of a DigestSet lie: one SharedArrayBuffer with room for two versions of the set.
 *
 *     control   version · begun · hash key (2) · words of a digest · capacity · size and buckets of half 0, of half 1
 *     half 0    where each bucket starts | the digests, bucket by bucket
 *     half 1    likewise
 *
 * Version v lies in half v & 1.
 */

import { randomFillSync } from 'node:crypto';

/** Words of the control block: the version that counts, and the one that was begun last. */
export const VERSION = 0;
export const BEGUN = 1;
const KEY0 = 2;
const KEY1 = 3;
const WORDS = 4;
const CAPACITY = 5;
/** Of half h at `SIZES + h` and `BUCKETS + h`. */
export const SIZES = 6;
export const BUCKETS = 8;
const CONTROL = 10;

/** Digests a bucket holds on average: a look-up reads one or two lines of memory, and the starts take a byte a digest. */
export const BUCKET_SIZE = 4;

export class DigestSetMemory {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  /** By half. */
  readonly starts: readonly [Int32Array, Int32Array];
  /** By half. */
  readonly digests: readonly [Int32Array, Int32Array];
  readonly key0: number;
  readonly key1: number;
  /** Words of a digest. */
  readonly words: number;
  /** How many digests a version can hold. */
  readonly capacity: number;

  static create(words: number, capacity: number): DigestSetMemory {
    const buffer = new SharedArrayBuffer(4 * (CONTROL + 2 * halfLength(words, capacity)));
    const control = new Int32Array(buffer, 0, CONTROL);
    // Into memory of its own first: the system's generator takes no shared one.
    control.set(randomFillSync(new Int32Array(2)), KEY0);
    control[WORDS] = words;
    control[CAPACITY] = capacity;
    return new DigestSetMemory(buffer);
  }

  /** @param buffer made by `create`, in whichever thread */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.control = new Int32Array(buffer, 0, CONTROL);
    this.key0 = this.control[KEY0] as number;
    this.key1 = this.control[KEY1] as number;
    this.words = this.control[WORDS] as number;
    this.capacity = this.control[CAPACITY] as number;
    const starts = startsLength(this.capacity);
    const half = halfLength(this.words, this.capacity);
    const view = (at: number, length: number) => new Int32Array(buffer, 4 * (CONTROL + at), length);
    this.starts = [view(0, starts), view(half, starts)];
    this.digests = [view(starts, half - starts), view(half + starts, half - starts)];
  }
}

/** The bucket, of `buckets`, of a digest with this hash. */
export function bucketOf(hash: number, buckets: number): number {
  return Math.floor(((hash >>> 0) / 4294967296) * buckets);
}

/** A start for each bucket, and the end of the last one. */
function startsLength(capacity: number): number {
  return Math.max(1, Math.ceil(capacity / BUCKET_SIZE)) + 1;
}

function halfLength(words: number, capacity: number): number {
  return startsLength(capacity) + capacity * words;
}
