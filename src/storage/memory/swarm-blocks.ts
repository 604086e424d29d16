/**
 * Where the peers of a swarm lie. Up to 512 are in one block of the slab, whose size grows and shrinks with
 * them; a large swarm has a directory of full blocks, of which the last may be of any size.
 *
 *   small:  PEERS  = block                          position p  →  record  block + p
 *   large:  PEERS  = ~directory ─▶ block, block…    position p  →  record  directory[p >> 9] + (p & 511)
 *
 * One word thus says what a swarm is and where its peers are. What a swarm no longer uses is given back only
 * after it has let go of it: a thread that dies in between leaks a block, but no two swarms ever share one.
 */

import { type IntBlocks, MAX_BLOCK_BITS, offsetOf } from './int-blocks.ts';
import { CAPACITIES, FULL_BITS, FULL_CLASS, type RecordSlab } from './record-slab.ts';
import { LIVE, PEERS, SHAPE, type SwarmTable } from './swarm-table.ts';

/** Peers of a full block: the most that a small swarm has. */
export const FULL = 1 << FULL_BITS;
export const FULL_MASK = FULL - 1;

/** A block is exchanged for a smaller one when a quarter of it is in use: four size classes down, to two. */
const SHRINK_AT = 4;
const SHRINK_BY = 2;

/** The least directory, 2^4 blocks, and the size class that a large swarm's last block begins with. */
const MIN_DIRECTORY_BITS = 4;
const NEXT_CLASS = CAPACITIES.indexOf(8);

/** The parts of a swarm's SHAPE: the last block's size class, and the bits of its directory, if it has one. */
const CLASS = 0xff;
const DIRECTORY_SHIFT = 8;

export class SwarmBlocks {
  readonly #swarms: SwarmTable;
  readonly #slab: RecordSlab;
  readonly #blocks: IntBlocks;

  constructor(swarms: SwarmTable, slab: RecordSlab, blocks: IntBlocks) {
    this.#swarms = swarms;
    this.#slab = slab;
    this.#blocks = blocks;
  }

  isLarge(swarm: number): boolean {
    return this.#swarms.get(swarm, PEERS) < 0;
  }

  /** The words that name a swarm's blocks, from `directoryAt(swarm)` on: a small swarm's only one is its PEERS. */
  directory(swarm: number): Int32Array {
    const peers = this.#swarms.get(swarm, PEERS);
    return peers < 0 ? this.#blocks.words(~peers) : this.#swarms.words(swarm);
  }

  directoryAt(swarm: number): number {
    const peers = this.#swarms.get(swarm, PEERS);
    return peers < 0 ? offsetOf(~peers) : this.#swarms.offsetOf(swarm) + PEERS;
  }

  /** The record of the peer at a position. */
  recordAt(swarm: number, position: number): number {
    const block = this.directory(swarm)[this.directoryAt(swarm) + (position >>> FULL_BITS)] as number;
    return block + (position & FULL_MASK);
  }

  /** Puts right what a thread may have left undone that died on the way from PEERS to SHAPE; `size` is the swarm's. */
  repairShape(swarm: number, size: number): void {
    if (size === 0) return;
    const sizeClass = this.#slab.classOf(this.recordAt(swarm, (size - 1) & ~FULL_MASK));
    const bits = this.isLarge(swarm) ? this.#directoryBits(swarm) || MIN_DIRECTORY_BITS : 0;
    this.#swarms.set(swarm, SHAPE, LIVE | (bits << DIRECTORY_SHIFT) | sizeClass);
  }

  /** Makes room for one peer more than `size`. Returns false if there can be none: a small swarm must first be enlarged. */
  extend(swarm: number, size: number): boolean {
    if (size === 0) {
      this.#swarms.set(swarm, PEERS, this.#slab.alloc(0));
      this.#setClass(swarm, 0);
      return true;
    }
    const used = ((size - 1) & FULL_MASK) + 1;
    if (used === FULL) return this.isLarge(swarm) && this.#addBlock(swarm, size >>> FULL_BITS);
    const sizeClass = this.#swarms.get(swarm, SHAPE) & CLASS;
    if (used === CAPACITIES[sizeClass]) this.#resizeLast(swarm, size, sizeClass + 1);
    return true;
  }

  /** Gives back what a swarm that has come down to `size` peers no longer needs. */
  trim(swarm: number, size: number): void {
    const sizeClass = this.#swarms.get(swarm, SHAPE) & CLASS;
    if ((size & FULL_MASK) === 0 && (size === 0 || this.isLarge(swarm))) {
      const emptied = this.recordAt(swarm, size);
      this.#setClass(swarm, size === 0 ? 0 : FULL_CLASS);
      this.#slab.free(emptied, sizeClass);
      return;
    }
    const used = ((size - 1) & FULL_MASK) + 1;
    if (sizeClass >= SHRINK_AT && used <= (CAPACITIES[sizeClass - SHRINK_AT] as number)) {
      this.#resizeLast(swarm, size, sizeClass - SHRINK_BY);
    }
  }

  /** Makes a small swarm of one full block a large one. */
  enlarge(swarm: number): void {
    const directory = this.#blocks.alloc(MIN_DIRECTORY_BITS);
    this.#blocks.words(directory)[offsetOf(directory)] = this.#swarms.get(swarm, PEERS);
    this.#swarms.set(swarm, PEERS, ~directory);
    this.#swarms.set(swarm, SHAPE, LIVE | (MIN_DIRECTORY_BITS << DIRECTORY_SHIFT) | FULL_CLASS);
  }

  /** Makes a large swarm of one block a small one. */
  reduce(swarm: number): void {
    const directory = ~this.#swarms.get(swarm, PEERS);
    const bits = this.#directoryBits(swarm);
    this.#swarms.set(swarm, PEERS, this.recordAt(swarm, 0));
    this.#swarms.set(swarm, SHAPE, LIVE | (this.#swarms.get(swarm, SHAPE) & CLASS));
    this.#blocks.free(directory, bits);
  }

  /** Moves the last block's peers to a block of another size class. */
  #resizeLast(swarm: number, size: number, sizeClass: number): void {
    const first = (size - 1) & ~FULL_MASK;
    const old = this.recordAt(swarm, first);
    const oldClass = this.#swarms.get(swarm, SHAPE) & CLASS;
    const block = this.#slab.alloc(sizeClass);
    this.#slab.copy(old, block, size - first);
    const directory = ~this.#swarms.get(swarm, PEERS);
    if (this.isLarge(swarm))
      this.#blocks.words(directory)[offsetOf(directory) + (first >>> FULL_BITS)] = block;
    else this.#swarms.set(swarm, PEERS, block);
    this.#setClass(swarm, sizeClass);
    this.#slab.free(old, oldClass);
  }

  /** Appends a block to a large swarm that has `blocks` full ones, in a larger directory if need be. */
  #addBlock(swarm: number, blocks: number): boolean {
    const bits = this.#directoryBits(swarm);
    if (blocks === 1 << bits) {
      if (bits === MAX_BLOCK_BITS) return false;
      const old = ~this.#swarms.get(swarm, PEERS);
      const directory = this.#blocks.alloc(bits + 1);
      const from = this.#blocks.words(old);
      const to = this.#blocks.words(directory);
      for (let i = 0; i < blocks; i++) to[offsetOf(directory) + i] = from[offsetOf(old) + i] as number;
      this.#swarms.set(swarm, PEERS, ~directory);
      this.#swarms.set(swarm, SHAPE, LIVE | ((bits + 1) << DIRECTORY_SHIFT) | FULL_CLASS);
      this.#blocks.free(old, bits);
    }
    const directory = ~this.#swarms.get(swarm, PEERS);
    this.#blocks.words(directory)[offsetOf(directory) + blocks] = this.#slab.alloc(NEXT_CLASS);
    this.#setClass(swarm, NEXT_CLASS);
    return true;
  }

  #directoryBits(swarm: number): number {
    return (this.#swarms.get(swarm, SHAPE) & ~LIVE) >>> DIRECTORY_SHIFT;
  }

  #setClass(swarm: number, sizeClass: number): void {
    this.#swarms.set(swarm, SHAPE, (this.#swarms.get(swarm, SHAPE) & ~CLASS) | sizeClass);
  }
}
