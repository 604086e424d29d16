/**
 * Fingerprints of byte strings: 96 bits of a MAC (SipHash-1-3) under a key that is made at each start. Lists are
 * kept as fingerprints of their entries. That two differing strings have the same one happens once in 2^96 times, and
 * nobody who does not know the key can do anything about it, nor foresee where in a table a string would lie.
 */

import { sipHash128 } from './siphash-128.ts';

/** Of the words of a fingerprint. */
export const FINGERPRINT_WORDS = 3;

export class Fingerprint {
  /** Where the string is written, and the same memory as native-endian words. */
  readonly bytes: Uint8Array;
  readonly input: Int32Array;
  /** The fingerprint made last: its first words. */
  readonly words = new Int32Array(4);
  readonly #key: Int32Array;

  /**
   * @param key four words, the same for all that are to make the same fingerprints
   * @param longest bytes of the longest string, between which and the end of `bytes` there is room for eight more
   */
  constructor(key: Int32Array, longest: number) {
    this.#key = key;
    this.bytes = new Uint8Array((longest | 7) + 9);
    this.input = new Int32Array(this.bytes.buffer);
  }

  /** Makes the fingerprint of the first `length` bytes. */
  make(length: number): void {
    for (let i = length; i <= (length | 7); i++) this.bytes[i] = 0;
    sipHash128(this.#key, this.input, length, this.words);
    // A table's free places have a 0 there.
    this.words[0] = (this.words[0] as number) | 1;
  }
}
