/**
 * Hash tables from a 32-bit hash to a number, one table a shard: extendible hashing (Fagin et al., 1979)
 * with linear probing inside a page.
 *
 *   directory (2^depth pages)          page: slot 0 = header (local depth, entries), then entries
 *   +----+----+----+----+              +--------+------------+------------+-----
 *   | p0 | p1 | p0 | p2 |  ----------> | l, n   | hash value | hash value | …
 *   +----+----+----+----+              +--------+------------+------------+-----
 *
 * A page that fills up is split in two, so a table of any size grows by small steps: no insertion
 * costs more than one page's worth of work, and none moves the whole table. The whole hash stands
 * beside the value, so splitting and deleting look at nothing else; two entries with the same hash
 * and value are interchangeable.
 *
 * Values are kept plus one: zero marks a free slot.
 */

import { type IntBlocks, MAX_BLOCK_BITS, offsetOf } from './int-blocks.ts';

/** Words of a shard's state. */
const DIRECTORY = 0;
const DEPTH = 1;
const ENTRIES = 2;
const STATE = 4;

/** A directory begins with room for this many pages. */
const MIN_DIRECTORY_BITS = 4;

/** No value. */
export const NONE = -1;

export class HashIndex {
  readonly #blocks: IntBlocks;
  readonly #pageBits: number;
  /** Slots of a page that may be taken before it is split: 7 of 8. */
  readonly #capacity: number;
  readonly #shards: Int32Array;
  readonly #scratch: Int32Array;
  // Where `find` stopped, for `next`.
  #words: Int32Array = new Int32Array(0);
  #base = 0;
  #slot = 0;
  #hash = 0;

  /**
   * @param state `wordsFor(shards)` words, zero at first
   * @param pageBits a page has 2^pageBits slots
   */
  constructor(blocks: IntBlocks, state: Int32Array, pageBits: number) {
    this.#blocks = blocks;
    this.#pageBits = pageBits;
    this.#capacity = (1 << pageBits) - (1 << (pageBits - 3));
    this.#shards = state;
    this.#scratch = new Int32Array(2 << pageBits);
  }

  static wordsFor(shards: number): number {
    return shards * STATE;
  }

  /** The first value under `hash`, or NONE. The caller compares what the value stands for and may ask for the `next`. */
  find(shard: number, hash: number): number {
    if (this.#shards[shard * STATE + ENTRIES] === 0) return NONE;
    const spread = mix(hash);
    this.#seek(this.#pageOf(shard, spread));
    this.#slot = this.#home(spread);
    this.#hash = hash;
    return this.#scan();
  }

  /** The next value under the hash of the last `find`; nothing may have been changed in between. */
  next(): number {
    this.#slot = this.#after(this.#slot);
    return this.#scan();
  }

  /** Adds an entry. Returns false, and changes nothing, if the shard can grow no further. */
  insert(shard: number, hash: number, value: number): boolean {
    const state = shard * STATE;
    if (this.#shards[state + ENTRIES] === 0) this.#openShard(shard);
    const spread = mix(hash);
    for (;;) {
      const page = this.#pageOf(shard, spread);
      this.#seek(page);
      if ((this.#words[this.#base + 1] as number) < this.#capacity) break;
      if (!this.#split(shard, spread, page)) return false;
    }
    this.#place(spread, hash, value + 1);
    this.#shards[state + ENTRIES] = (this.#shards[state + ENTRIES] as number) + 1;
    return true;
  }

  /** Changes an entry's value. The entry must be there. */
  replace(shard: number, hash: number, from: number, to: number): void {
    this.#locate(shard, hash, from);
    this.#words[this.#base + 2 * this.#slot + 1] = to + 1;
  }

  /** Removes an entry. The entry must be there. The last one of a shard gives all its memory back. */
  remove(shard: number, hash: number, value: number): void {
    this.#locate(shard, hash, value);
    this.#words[this.#base + 1] = (this.#words[this.#base + 1] as number) - 1;
    this.#closeGap();
    const state = shard * STATE;
    this.#shards[state + ENTRIES] = (this.#shards[state + ENTRIES] as number) - 1;
    if (this.#shards[state + ENTRIES] === 0) this.#closeShard(shard);
  }

  #locate(shard: number, hash: number, value: number): void {
    let found = this.find(shard, hash);
    while (found !== value) {
      if (found === NONE) throw new Error(`hash index of shard ${shard} has no entry ${hash} → ${value}`);
      found = this.next();
    }
  }

  #seek(page: number): void {
    this.#words = this.#blocks.words(page);
    this.#base = offsetOf(page);
  }

  /** From the current slot on, the first value under the current hash. */
  #scan(): number {
    const words = this.#words;
    const base = this.#base;
    const hash = this.#hash;
    let slot = this.#slot;
    for (;;) {
      const value = words[base + 2 * slot + 1] as number;
      if (value === 0 || words[base + 2 * slot] === hash) {
        this.#slot = slot;
        return value - 1;
      }
      slot = this.#after(slot);
    }
  }

  /** Puts an entry into the first free slot from its home on; the page has one. */
  #place(spread: number, hash: number, stored: number): void {
    const words = this.#words;
    const base = this.#base;
    let slot = this.#home(spread);
    while (words[base + 2 * slot + 1] !== 0) slot = this.#after(slot);
    words[base + 2 * slot] = hash;
    words[base + 2 * slot + 1] = stored;
    words[base + 1] = (words[base + 1] as number) + 1;
  }

  /** Frees the current slot by moving up the entries behind it that probed past it (Knuth, 6.4, algorithm R). */
  #closeGap(): void {
    const words = this.#words;
    const base = this.#base;
    const last = (1 << this.#pageBits) - 1;
    let gap = this.#slot;
    for (let slot = this.#after(gap); words[base + 2 * slot + 1] !== 0; slot = this.#after(slot)) {
      const home = this.#home(mix(words[base + 2 * slot] as number));
      // Distances along the ring of slots 1 to `last`.
      if ((slot - home + last) % last < (slot - gap + last) % last) continue;
      words[base + 2 * gap] = words[base + 2 * slot] as number;
      words[base + 2 * gap + 1] = words[base + 2 * slot + 1] as number;
      gap = slot;
    }
    words[base + 2 * gap + 1] = 0;
  }

  #home(spread: number): number {
    return spread & ((1 << this.#pageBits) - 1) || 1;
  }

  #after(slot: number): number {
    return (slot + 1) & ((1 << this.#pageBits) - 1) || 1;
  }

  #pageOf(shard: number, spread: number): number {
    const directory = this.#shards[shard * STATE + DIRECTORY] as number;
    const at = (spread >>> 16) & ((1 << (this.#shards[shard * STATE + DEPTH] as number)) - 1);
    return this.#blocks.words(directory)[offsetOf(directory) + at] as number;
  }

  #openShard(shard: number): void {
    const directory = this.#blocks.alloc(MIN_DIRECTORY_BITS);
    this.#blocks.words(directory)[offsetOf(directory)] = this.#blocks.alloc(this.#pageBits + 1);
    this.#shards[shard * STATE + DIRECTORY] = directory;
    this.#shards[shard * STATE + DEPTH] = 0;
  }

  /** Forgets all entries of a shard, whatever state a thread that died has left them in. */
  clear(shard: number): void {
    if (this.#shards[shard * STATE + ENTRIES] === 0) return;
    this.#shards[shard * STATE + ENTRIES] = 0;
    this.#closeShard(shard);
  }

  #closeShard(shard: number): void {
    const directory = this.#shards[shard * STATE + DIRECTORY] as number;
    const depth = this.#shards[shard * STATE + DEPTH] as number;
    const pages = this.#blocks.words(directory);
    const seen = new Set<number>();
    for (let i = 0; i < 1 << depth; i++) seen.add(pages[offsetOf(directory) + i] as number);
    for (const page of seen) this.#blocks.free(page, this.#pageBits + 1);
    this.#blocks.free(directory, Math.max(depth, MIN_DIRECTORY_BITS));
  }

  /** Splits the page that `spread` falls into. Returns false if the directory can grow no further. */
  #split(shard: number, spread: number, page: number): boolean {
    const words = this.#blocks.words(page);
    const base = offsetOf(page);
    const local = words[base] as number;
    if (local === this.#shards[shard * STATE + DEPTH] && !this.#doubleDirectory(shard)) return false;
    const sibling = this.#blocks.alloc(this.#pageBits + 1);

    const size = 2 << this.#pageBits;
    const scratch = this.#scratch;
    for (let i = 0; i < size; i++) scratch[i] = words[base + i] as number;
    words.fill(0, base, base + size);
    words[base] = local + 1;
    this.#blocks.words(sibling)[offsetOf(sibling)] = local + 1;
    for (let i = 2; i < size; i += 2) {
      if (scratch[i + 1] === 0) continue;
      const entry = mix(scratch[i] as number);
      this.#seek((entry >>> (16 + local)) & 1 ? sibling : page);
      this.#place(entry, scratch[i] as number, scratch[i + 1] as number);
    }

    const directory = this.#shards[shard * STATE + DIRECTORY] as number;
    const pages = this.#blocks.words(directory);
    const places = 1 << (this.#shards[shard * STATE + DEPTH] as number);
    const first = ((spread >>> 16) & ((1 << local) - 1)) | (1 << local);
    for (let i = first; i < places; i += 2 << local) pages[offsetOf(directory) + i] = sibling;
    return true;
  }

  #doubleDirectory(shard: number): boolean {
    const state = shard * STATE;
    const depth = this.#shards[state + DEPTH] as number;
    if (depth === MAX_BLOCK_BITS) return false;
    const old = this.#shards[state + DIRECTORY] as number;
    // The directory has room to spare at first; later it moves to a block of twice the size.
    const moves = depth >= MIN_DIRECTORY_BITS;
    const directory = moves ? this.#blocks.alloc(depth + 1) : old;
    const from = this.#blocks.words(old);
    const to = this.#blocks.words(directory);
    for (let i = 0; i < 2 << depth; i++) {
      to[offsetOf(directory) + i] = from[offsetOf(old) + (i & ((1 << depth) - 1))] as number;
    }
    this.#shards[state + DIRECTORY] = directory;
    this.#shards[state + DEPTH] = depth + 1;
    if (moves) this.#blocks.free(old, depth);
    return true;
  }
}

/** Spreads a hash: the low bits choose the slot, the high ones the page. A shard may share bits of the hash itself. */
function mix(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 16);
}
