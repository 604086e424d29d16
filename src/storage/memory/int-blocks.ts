/**
 * Blocks of 2^k words, for the store's directories and index pages.
 *
 * A block is named by its offset in words; its first half, second half and so on are blocks too, which
 * is how a large free block serves a small request. Blocks are not merged again: directories make up
 * about a hundredth of the store, and freed ones are taken by the next.
 */

import type { NoLocks } from './locks.ts';
import type { StoreMemory } from './store-memory.ts';

/** Words in a segment, and so in the largest block: 2^16, 256 KiB. */
const SEGMENT_BITS = 16;

/** The largest block has 2^16 words. */
export const MAX_BLOCK_BITS = SEGMENT_BITS;

export class IntBlocks {
  readonly #memory: StoreMemory;
  readonly #locks: NoLocks;
  readonly #id: number;
  readonly #segments: Int32Array[] = [];
  /** The first free block of 2^k words, plus one; a free block's first word names the next. */
  readonly #free: Int32Array;

  /** @param id of its area, its pool and its lock */
  constructor(memory: StoreMemory, locks: NoLocks, id: number) {
    this.#memory = memory;
    this.#locks = locks;
    this.#id = id;
    this.#free = memory.area(id, MAX_BLOCK_BITS + 1);
    memory.openPool(id, 4 << SEGMENT_BITS, (buffer) => this.#segments.push(new Int32Array(buffer)));
  }

  /** The words that block `block` lies in, from `offsetOf(block)` on. */
  words(block: number): Int32Array {
    return this.#segments[block >>> SEGMENT_BITS] as Int32Array;
  }

  /** A block of `1 << bits` words, all zero. */
  alloc(bits: number): number {
    this.#locks.acquire(this.#id);
    let block: number;
    try {
      block = this.#take(bits);
    } finally {
      this.#locks.release(this.#id);
    }
    const at = offsetOf(block);
    this.words(block).fill(0, at, at + (1 << bits));
    return block;
  }

  free(block: number, bits: number): void {
    this.#locks.acquire(this.#id);
    this.#give(block, bits);
    this.#locks.release(this.#id);
  }

  #give(block: number, bits: number): void {
    this.words(block)[offsetOf(block)] = this.#free[bits] as number;
    this.#free[bits] = block + 1;
  }

  #take(bits: number): number {
    const free = this.#free[bits] as number;
    if (free !== 0) {
      this.#free[bits] = this.words(free - 1)[offsetOf(free - 1)] as number;
      return free - 1;
    }
    if (bits === MAX_BLOCK_BITS) {
      this.#memory.grow(this.#id);
      return (this.#segments.length - 1) << SEGMENT_BITS;
    }
    const block = this.#take(bits + 1);
    this.#give(block + (1 << bits), bits);
    return block;
  }
}

/** Where in its segment a block begins. */
export function offsetOf(block: number): number {
  return block & ((1 << SEGMENT_BITS) - 1);
}
