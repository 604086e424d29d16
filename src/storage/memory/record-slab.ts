/**
 * The peers' memory: records in parallel arrays, handed out in blocks of 1 to 512.
 *
 *   record r:   heads[6r … 6r+5)    peer id, 20 bytes as words
 *               heads[6r+5]         when it last announced (31 bits, seconds), snatched flag on top
 *               compact[wr … wr+w)  address and port as sent in answers; w = 3 (IPv4) or 9 (IPv6) halfwords
 *
 * So a block's compact entries lie side by side: a small swarm's answer is one run of bytes, and a
 * random choice touches 6 bytes a peer and nothing else. Whoever announces again has his id compared and his time
 * written, side by side too. A record takes 30 bytes (IPv4) or 42 (IPv6).
 *
 * Blocks come from pages of 2,048 records, all of one size class a page. A page whose blocks are all
 * free serves any class again: swarms that grow together leave no trail of small blocks behind.
 *
 *   segment (32,768 records)  =  16 pages  ×  2,048 records, which are ⌊2,048 / capacity⌋ blocks
 */

import { type AddressFamily, compactPeerLength } from '../../bittorrent/address-family.ts';
import type { NoLocks } from './locks.ts';
import type { StoreMemory } from './store-memory.ts';

/** Records a block, by size class. Steps of at most a half keep the unused part of a block small. */
export const CAPACITIES: readonly number[] = [
  1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512,
];

/** The class of the largest blocks, of which large swarms are made. */
export const FULL_CLASS = CAPACITIES.length - 1;

/** Records of the largest block: 2^9. */
export const FULL_BITS = 9;

const CAPACITY = Int32Array.from(CAPACITIES);
const PAGE_BITS = 11;
const SEGMENT_BITS = 15;
const PAGES_PER_SEGMENT = 1 << (SEGMENT_BITS - PAGE_BITS);

/** Words of the state, after a list of pages for each class: the first page without a class, plus one, and how many pages there are. */
const EMPTY_PAGE = CAPACITIES.length;
const PAGES = CAPACITIES.length + 1;

/** Picks a record's place in its segment from its number. */
export const RECORD_MASK = (1 << SEGMENT_BITS) - 1;

/** Words of a page's header. Page and block numbers are stored plus one, so that zero means none. */
const CLASS = 0;
const USED = 1;
const FREE = 2;
const FRESH = 3;
const NEXT = 4;
const PREVIOUS = 5;
const HEADER = 6;

/** Words of a head, those of the id, which come first, and the place of the time. A free block's next is in its first word. */
export const HEAD_WORDS = 6;
export const ID_WORDS = 5;
export const SEEN = 5;

/** The segment that a record lies in. */
export function segmentOf(record: number): number {
  return record >>> SEGMENT_BITS;
}

/** Where among its segment's heads the time of a record is. */
export function seenAt(record: number): number {
  return (record & RECORD_MASK) * HEAD_WORDS + SEEN;
}

export class RecordSlab {
  /** Halfwords of a compact entry: 3 or 9. */
  readonly width: number;
  /** One array of each kind a segment. */
  readonly heads: Int32Array[] = [];
  readonly compact: Uint16Array[] = [];
  readonly #headers: Int32Array[] = [];
  readonly #memory: StoreMemory;
  readonly #locks: NoLocks;
  readonly #id: number;
  /** By class the first page that has a free block, plus one; then EMPTY_PAGE and PAGES. */
  readonly #state: Int32Array;
  readonly #spareHead = new Int32Array(HEAD_WORDS);
  readonly #spareCompact: Uint16Array;

  /** @param id of its area, its pool and its lock */
  constructor(family: AddressFamily, memory: StoreMemory, locks: NoLocks, id: number) {
    this.width = compactPeerLength(family) / 2;
    this.#spareCompact = new Uint16Array(this.width);
    this.#memory = memory;
    this.#locks = locks;
    this.#id = id;
    this.#state = memory.area(id, PAGES + 1);
    const records = 1 << SEGMENT_BITS;
    const compactAt = records * HEAD_WORDS * 4;
    const headersAt = compactAt + records * this.width * 2;
    memory.openPool(id, headersAt + PAGES_PER_SEGMENT * HEADER * 4, (buffer) => {
      this.heads.push(new Int32Array(buffer, 0, records * HEAD_WORDS));
      this.compact.push(new Uint16Array(buffer, compactAt, records * this.width));
      this.#headers.push(new Int32Array(buffer, headersAt, PAGES_PER_SEGMENT * HEADER));
    });
  }

  get recordBytes(): number {
    return 4 * HEAD_WORDS + 2 * this.width;
  }

  /** A block of `CAPACITIES[sizeClass]` records, named by its first; what is in them is left over. */
  alloc(sizeClass: number): number {
    this.#locks.acquire(this.#id);
    try {
      return this.#take(sizeClass);
    } finally {
      this.#locks.release(this.#id);
    }
  }

  free(block: number, sizeClass: number): void {
    this.#locks.acquire(this.#id);
    this.#give(block, sizeClass);
    this.#locks.release(this.#id);
  }

  #take(sizeClass: number): number {
    let page = (this.#state[sizeClass] as number) - 1;
    if (page < 0) page = this.#openPage(sizeClass);
    const header = this.#headers[(page / PAGES_PER_SEGMENT) | 0] as Int32Array;
    const at = (page % PAGES_PER_SEGMENT) * HEADER;
    let block = (header[at + FREE] as number) - 1;
    if (block >= 0) {
      header[at + FREE] = this.#headsOf(block)[(block & RECORD_MASK) * HEAD_WORDS] as number;
    } else {
      block = (page << PAGE_BITS) + (header[at + FRESH] as number);
      header[at + FRESH] = (header[at + FRESH] as number) + (CAPACITY[sizeClass] as number);
    }
    header[at + USED] = (header[at + USED] as number) + 1;
    if (header[at + USED] === blocksPerPage(sizeClass)) this.#unlink(page, sizeClass);
    return block;
  }

  #give(block: number, sizeClass: number): void {
    const page = block >>> PAGE_BITS;
    const header = this.#headers[(page / PAGES_PER_SEGMENT) | 0] as Int32Array;
    const at = (page % PAGES_PER_SEGMENT) * HEADER;
    this.#headsOf(block)[(block & RECORD_MASK) * HEAD_WORDS] = header[at + FREE] as number;
    header[at + FREE] = block + 1;
    if (header[at + USED] === blocksPerPage(sizeClass)) this.#link(page, sizeClass);
    header[at + USED] = (header[at + USED] as number) - 1;
    if (header[at + USED] === 0) {
      this.#unlink(page, sizeClass);
      header[at + NEXT] = this.#state[EMPTY_PAGE] as number;
      this.#state[EMPTY_PAGE] = page + 1;
    }
  }

  /** Whether the lock `id` guards this slab's lists. */
  isGuardedBy(id: number): boolean {
    return id === this.#id;
  }

  /**
   * Makes the lists of pages anew out of what the pages say of themselves, for a thread has died that held the lock: a
   * page that stands in a list twice would sooner or later be given to two classes, and two swarms to the same records.
   */
  repair(): void {
    const state = this.#state;
    state.fill(0, 0, PAGES);
    for (let page = 0; page < (state[PAGES] as number); page++) {
      const sizeClass = this.#header(page, CLASS);
      const opened = (this.#header(page, FRESH) / (CAPACITY[sizeClass] as number)) | 0;
      let free = 0;
      for (let block = this.#header(page, FREE) - 1; block >= 0 && free < opened; free++) {
        block = (this.#headsOf(block)[(block & RECORD_MASK) * HEAD_WORDS] as number) - 1;
      }
      const used = opened - free;
      this.#setHeader(page, USED, used);
      if (used === 0) {
        this.#setHeader(page, NEXT, state[EMPTY_PAGE] as number);
        state[EMPTY_PAGE] = page + 1;
      } else if (used < blocksPerPage(sizeClass)) {
        this.#link(page, sizeClass);
      }
    }
  }

  /** The size class of the block that begins with a record. */
  classOf(block: number): number {
    return this.#header(block >>> PAGE_BITS, CLASS);
  }

  /** Copies the first `count` records of a block to another block. */
  copy(from: number, to: number, count: number): void {
    const { width } = this;
    const a = from & RECORD_MASK;
    const b = to & RECORD_MASK;
    const fromHeads = this.#headsOf(from);
    const toHeads = this.#headsOf(to);
    for (let i = 0; i < count * HEAD_WORDS; i++)
      toHeads[b * HEAD_WORDS + i] = fromHeads[a * HEAD_WORDS + i] as number;
    const fromCompact = this.compact[segmentOf(from)] as Uint16Array;
    const toCompact = this.compact[segmentOf(to)] as Uint16Array;
    for (let i = 0; i < count * width; i++) toCompact[b * width + i] = fromCompact[a * width + i] as number;
  }

  /**
   * Has two records change places. A thread is ended at calls and loops alone: one that dies has done all of it or nothing,
   * for from the first word that is changed to the last there is neither.
   */
  swap(a: number, b: number): void {
    const { width } = this;
    const aHeads = this.#headsOf(a);
    const bHeads = this.#headsOf(b);
    const aCompact = this.compact[segmentOf(a)] as Uint16Array;
    const bCompact = this.compact[segmentOf(b)] as Uint16Array;
    const aAt = a & RECORD_MASK;
    const bAt = b & RECORD_MASK;
    const i = aAt * HEAD_WORDS;
    const j = bAt * HEAD_WORDS;
    const k = aAt * width;
    const l = bAt * width;
    const head = this.#spareHead;
    const compact = this.#spareCompact;
    for (let word = 0; word < HEAD_WORDS; word++) head[word] = aHeads[i + word] as number;
    for (let word = 0; word < width; word++) compact[word] = aCompact[k + word] as number;

    aHeads[i] = bHeads[j] as number;
    aHeads[i + 1] = bHeads[j + 1] as number;
    aHeads[i + 2] = bHeads[j + 2] as number;
    aHeads[i + 3] = bHeads[j + 3] as number;
    aHeads[i + 4] = bHeads[j + 4] as number;
    aHeads[i + 5] = bHeads[j + 5] as number;
    bHeads[j] = head[0] as number;
    bHeads[j + 1] = head[1] as number;
    bHeads[j + 2] = head[2] as number;
    bHeads[j + 3] = head[3] as number;
    bHeads[j + 4] = head[4] as number;
    bHeads[j + 5] = head[5] as number;
    aCompact[k] = bCompact[l] as number;
    aCompact[k + 1] = bCompact[l + 1] as number;
    aCompact[k + 2] = bCompact[l + 2] as number;
    bCompact[l] = compact[0] as number;
    bCompact[l + 1] = compact[1] as number;
    bCompact[l + 2] = compact[2] as number;
    if (width === 3) return;
    aCompact[k + 3] = bCompact[l + 3] as number;
    aCompact[k + 4] = bCompact[l + 4] as number;
    aCompact[k + 5] = bCompact[l + 5] as number;
    aCompact[k + 6] = bCompact[l + 6] as number;
    aCompact[k + 7] = bCompact[l + 7] as number;
    aCompact[k + 8] = bCompact[l + 8] as number;
    bCompact[l + 3] = compact[3] as number;
    bCompact[l + 4] = compact[4] as number;
    bCompact[l + 5] = compact[5] as number;
    bCompact[l + 6] = compact[6] as number;
    bCompact[l + 7] = compact[7] as number;
    bCompact[l + 8] = compact[8] as number;
  }

  #headsOf(record: number): Int32Array {
    return this.heads[record >>> SEGMENT_BITS] as Int32Array;
  }

  /** Gives a page to `sizeClass`: an emptied one, else a new one. */
  #openPage(sizeClass: number): number {
    let page = (this.#state[EMPTY_PAGE] as number) - 1;
    if (page >= 0) {
      this.#state[EMPTY_PAGE] = this.#header(page, NEXT);
    } else {
      page = this.#state[PAGES] as number;
      if (page === this.#headers.length * PAGES_PER_SEGMENT) this.#memory.grow(this.#id);
      this.#state[PAGES] = page + 1;
    }
    this.#setHeader(page, CLASS, sizeClass);
    this.#setHeader(page, USED, 0);
    this.#setHeader(page, FREE, 0);
    this.#setHeader(page, FRESH, 0);
    this.#link(page, sizeClass);
    return page;
  }

  /** Puts a page at the head of its class's list of pages with free blocks. */
  #link(page: number, sizeClass: number): void {
    const next = this.#state[sizeClass] as number;
    this.#setHeader(page, NEXT, next);
    this.#setHeader(page, PREVIOUS, 0);
    if (next !== 0) this.#setHeader(next - 1, PREVIOUS, page + 1);
    this.#state[sizeClass] = page + 1;
  }

  #unlink(page: number, sizeClass: number): void {
    const next = this.#header(page, NEXT);
    const previous = this.#header(page, PREVIOUS);
    if (next !== 0) this.#setHeader(next - 1, PREVIOUS, previous);
    if (previous !== 0) this.#setHeader(previous - 1, NEXT, next);
    else this.#state[sizeClass] = next;
  }

  #header(page: number, word: number): number {
    const header = this.#headers[(page / PAGES_PER_SEGMENT) | 0] as Int32Array;
    return header[(page % PAGES_PER_SEGMENT) * HEADER + word] as number;
  }

  #setHeader(page: number, word: number, value: number): void {
    const header = this.#headers[(page / PAGES_PER_SEGMENT) | 0] as Int32Array;
    header[(page % PAGES_PER_SEGMENT) * HEADER + word] = value;
  }
}

function blocksPerPage(sizeClass: number): number {
  return ((1 << PAGE_BITS) / (CAPACITY[sizeClass] as number)) | 0;
}
