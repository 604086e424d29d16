/**
 * Where the words of a FingerprintSet lie: one SharedArrayBuffer with room for two versions of the set.
 *
 *     control   version · begun · capacity · sizes and lines of both halves
 *     half 0    line | line | line | …
 *     half 1    likewise
 *     line      fingerprint · fingerprint · fingerprint · fingerprint · fingerprint · whether the next line has more
 *
 * Version v lies in half v & 1. A line is one of the processor's cache, 64 bytes, and of most look-ups it is all that
 * is read: in a busy tracker reading memory is what a look-up costs.
 */

import { FINGERPRINT_WORDS } from './fingerprint.ts';

/** Words of the control block: the version that counts, and the one that was begun last. */
export const VERSION = 0;
export const BEGUN = 1;
const CAPACITY = 2;
/** Of half h at `SIZES + h` and `LINES + h`. */
export const SIZES = 3;
export const LINES = 5;
/** The allocator has 16 bytes of its own before a large block: so the lines begin where a line of the cache does. */
const CONTROL = 12;

export const LINE_WORDS = 16;
/** The word of a line that says whether the next one has more. */
export const MORE = 15;
/** Words of a line that fingerprints lie in. */
export const FULL = 5 * FINGERPRINT_WORDS;

/** Fingerprints to a line on average, of the five that there is room for. */
const LOAD = 3.5;

export class FingerprintSetMemory {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  /** The lines by half. */
  readonly halves: readonly [Int32Array, Int32Array];
  /** How many fingerprints a version can hold. */
  readonly capacity: number;

  static create(capacity: number): FingerprintSetMemory {
    const words = CONTROL + 2 * LINE_WORDS * linesFor(capacity);
    const buffer = new SharedArrayBuffer(4 * words);
    new Int32Array(buffer)[CAPACITY] = capacity;
    return new FingerprintSetMemory(buffer);
  }

  /** @param buffer made by `create`, in whichever thread */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.control = new Int32Array(buffer, 0, CONTROL);
    this.capacity = this.control[CAPACITY] as number;
    const length = LINE_WORDS * linesFor(this.capacity);
    this.halves = [
      new Int32Array(buffer, 4 * CONTROL, length),
      new Int32Array(buffer, 4 * (CONTROL + length), length),
    ];
  }
}

/** How many lines `size` fingerprints are spread over. */
export function linesFor(size: number): number {
  return Math.max(1, Math.ceil(size / LOAD));
}

/** The line, of `lines`, in which a fingerprint lies, or from which on. */
export function lineOf(fingerprint: Int32Array, at: number, lines: number): number {
  return Math.floor((((fingerprint[at + 1] as number) >>> 0) / 4294967296) * lines);
}
