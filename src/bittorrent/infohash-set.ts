/**
 * A set of infohashes as bytes: 28 to 36 bytes an entry where a Set of strings needs over 100, and
 * nothing is formatted to ask it.
 *
 * The infohashes lie one after another; a table of positions finds them by open addressing with
 * linear probing. It is at most half full, so that a miss ends after 1.5 slots on average.
 *
 *     table   [ 0 | 3 | 0 | 1 | 2 | 0 | … ]    0 is free, else position + 1
 *     keys    [ 5 words | 5 words | 5 words | … ]
 */

import { Infohash } from './infohash.ts';

/** Words of an infohash. */
const WORDS = 5;

export class InfohashSet {
  readonly #table: Int32Array;
  readonly #keys: Int32Array;
  readonly #mask: number;
  #size = 0;

  /** @param capacity how many infohashes it can hold; its memory is reserved at once */
  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, capacity) * 2));
    this.#table = new Int32Array(slots);
    this.#mask = slots - 1;
    this.#keys = new Int32Array(capacity * WORDS);
  }

  /**
   * The set of infohashes written as hex, in any case; repeated ones count once.
   *
   * @throws RangeError if one is not 40 hexadecimal digits
   */
  static fromHex(list: readonly string[]): InfohashSet {
    const set = new InfohashSet(list.length);
    for (const hex of list) set.add(Infohash.fromHex(hex));
    return set;
  }

  get size(): number {
    return this.#size;
  }

  /** @throws RangeError if the set is full and the infohash is not in it */
  add(infohash: Infohash): void {
    const slot = this.#find(infohash.words);
    if (this.#table[slot] !== 0) return;
    const at = this.#size * WORDS;
    if (at >= this.#keys.length) throw new RangeError(`a set of ${this.#size} infohashes is full`);
    this.#keys.set(infohash.words, at);
    this.#table[slot] = ++this.#size;
  }

  has(infohash: Infohash): boolean {
    return this.#table[this.#find(infohash.words)] !== 0;
  }

  /** The slot that leads to `words`, or the free one where it would be entered. */
  #find(words: Int32Array): number {
    const table = this.#table;
    let slot = mix(words) & this.#mask;
    for (let entry = table[slot]; entry !== 0; entry = table[slot]) {
      if (this.#holds((entry as number) - 1, words)) break;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #holds(position: number, words: Int32Array): boolean {
    const keys = this.#keys;
    const at = position * WORDS;
    for (let i = 0; i < WORDS; i++) if (keys[at + i] !== words[i]) return false;
    return true;
  }
}

/** Infohashes are SHA-1 and need no mixing; what people put on lists and in requests may be anything. */
function mix(words: Int32Array): number {
  let hash = 0;
  for (let i = 0; i < WORDS; i++) {
    hash = Math.imul(hash ^ (words[i] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
