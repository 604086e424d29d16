/**
 * Chooses which peers an announcer is given, and copies them into the answer.
 *
 * Of n peers k are chosen so: the n positions, as a ring that begins at a random place, are cut into k
 * pieces of equal length (give or take one), and one peer is drawn from each. The random beginning makes
 * every peer equally likely; the pieces make it impossible to draw one twice. The work is k draws,
 * whatever n is, nothing is remembered, and the memory is read in one direction.
 */

import type { PeerList } from '../../bittorrent/peer-list.ts';
import type { Random } from '../../pkg/random.ts';
import { NONE } from './hash-index.ts';
import { FULL_BITS, HEAD_WORDS, ID_WORDS, RECORD_MASK, segmentOf } from './record-slab.ts';
import { FULL_MASK } from './swarm-blocks.ts';
import type { SwarmPeers } from './swarm-peers.ts';

/** The longest piece that 15 bits are drawn from, in integers. */
const MAX_QUICK = 1 << 15;

export class PeerChoice {
  readonly #peers: SwarmPeers;
  readonly #random: Random;

  constructor(peers: SwarmPeers, random: Random) {
    this.#peers = peers;
    this.#random = random;
  }

  /**
   * Appends to `list` up to `wanted` of the peers at positions `[from, to)`, as many as it has room for.
   *
   * @param except a position that is left out: the announcer's own, or NONE
   */
  choose(swarm: number, from: number, to: number, except: number, wanted: number, list: PeerList): void {
    const hasException = except >= from && except < to;
    const eligible = to - from - (hasException ? 1 : 0);
    const count = Math.min(wanted, eligible, list.capacity - list.count);
    if (count <= 0) return;
    if (list.includeIds) list.reserveIds(list.count + count);
    const gap = hasException ? except : to;
    if (count === eligible) this.#copyAll(swarm, from, gap, count, list);
    else this.#draw(swarm, from, gap, eligible, count, list);
  }

  /**
   * Appends up to `wanted` of the peers at positions `[from, to)` that are not among `gaps[firstGap, lastGap)`,
   * which are in ascending order and all in that range. The list has room for them, and for their ids.
   *
   * @returns how many
   */
  chooseAround(
    swarm: number,
    from: number,
    to: number,
    gaps: Int32Array,
    firstGap: number,
    lastGap: number,
    wanted: number,
    list: PeerList,
  ): number {
    const eligible = to - from - (lastGap - firstGap);
    const count = Math.min(wanted, eligible);
    if (count <= 0) return 0;
    const random = this.#random;
    const piece = eligible / count;
    const turn = random.below(eligible);
    let start = 0;
    let gap = firstGap;
    let last = 0;
    for (let i = 1; i <= count; i++) {
      const end = (i * piece) | 0;
      let position = start + random.below(end - start) + turn;
      if (position >= eligible) position -= eligible;
      // The ring has come round to its beginning: so do the gaps.
      if (position < last) gap = firstGap;
      last = position;
      while (gap < lastGap && (gaps[gap] as number) <= from + position + (gap - firstGap)) gap++;
      this.copy(this.#peers.recordAt(swarm, from + position + (gap - firstGap)), list);
      start = end;
    }
    return count;
  }

  /** Copies the `count` positions from `from` on, which leave out `gap`. */
  #copyAll(swarm: number, from: number, gap: number, count: number, list: PeerList): void {
    const { slab, blocks } = this.#peers;
    const { width } = slab;
    const directory = blocks.directory(swarm);
    const directoryAt = blocks.directoryAt(swarm);
    const { includeIds } = list;
    const to = list.halfwords;
    let target = (list.start >>> 1) + list.count * width;
    let block = NONE;
    let first = 0;
    let entries = to;
    for (let i = 0; i < count; i++) {
      let position = from + i;
      if (position >= gap) position++;
      if (position >>> FULL_BITS !== block) {
        block = position >>> FULL_BITS;
        first = directory[directoryAt + block] as number;
        entries = slab.compact[segmentOf(first)] as Uint16Array;
      }
      const record = first + (position & FULL_MASK);
      copyEntry(entries, (record & RECORD_MASK) * width, to, target, width);
      target += width;
      if (includeIds) this.#copyId(record, list.ids, list.count + i);
    }
    list.count += count;
  }

  /**
   * Copies `count` of the `eligible` positions from `from` on, which leave out `gap`. All that stays the same is
   * taken out of the loop, and a block is looked up once for all that is drawn from it: the loop is where an
   * announce spends most of its time, and with look-ups in it took twice as long.
   */
  #draw(swarm: number, from: number, gap: number, eligible: number, count: number, list: PeerList): void {
    const { slab, blocks } = this.#peers;
    const { width } = slab;
    const directory = blocks.directory(swarm);
    const directoryAt = blocks.directoryAt(swarm);
    const { includeIds } = list;
    const to = list.halfwords;
    let target = (list.start >>> 1) + list.count * width;
    let block = NONE;
    let first = 0;
    let entries = to;
    const piece = eligible / count;
    const turn = this.#random.below(eligible);
    let bits = this.#random.bits();
    let start = 0;
    for (let i = 1; i <= count; i++) {
      const end = (i * piece) | 0;
      bits = shuffle(bits);
      let position = start + drawn(bits, end - start) + turn;
      start = end;
      if (position >= eligible) position -= eligible;
      position += from;
      if (position >= gap) position++;
      if (position >>> FULL_BITS !== block) {
        block = position >>> FULL_BITS;
        first = directory[directoryAt + block] as number;
        entries = slab.compact[segmentOf(first)] as Uint16Array;
      }
      const record = first + (position & FULL_MASK);
      copyEntry(entries, (record & RECORD_MASK) * width, to, target, width);
      target += width;
      if (includeIds) this.#copyId(record, list.ids, list.count + i - 1);
    }
    list.count += count;
  }

  /** Appends the peer in a record; the list has room. */
  copy(record: number, list: PeerList): void {
    const { slab } = this.#peers;
    const { width } = slab;
    const target = (list.start >>> 1) + list.count * width;
    const entries = slab.compact[segmentOf(record)] as Uint16Array;
    copyEntry(entries, (record & RECORD_MASK) * width, list.halfwords, target, width);
    if (list.includeIds) this.#copyId(record, list.ids, list.count);
    list.count++;
  }

  #copyId(record: number, ids: Uint8Array, index: number): void {
    const words = this.#peers.slab.heads[segmentOf(record)] as Int32Array;
    const at = (record & RECORD_MASK) * HEAD_WORDS;
    ids.set(new Uint8Array(words.buffer, words.byteOffset + at * 4, ID_WORDS * 4), index * ID_WORDS * 4);
  }
}

/** Copies the address and the port of a peer: 3 halfwords, or 9. */
function copyEntry(from: Uint16Array, source: number, to: Uint16Array, target: number, width: number): void {
  to[target] = from[source] as number;
  to[target + 1] = from[source + 1] as number;
  to[target + 2] = from[source + 2] as number;
  for (let word = 3; word < width; word++) to[target + word] = from[source + word] as number;
}

/** The next bits after some that are not all zero (xorshift32; Marsaglia, 2003), in a register: a draw is a tenth of the announce. */
function shuffle(bits: number): number {
  let next = bits ^ (bits << 13);
  next ^= next >>> 17;
  return next ^ (next << 5);
}

/** A number in `[0, length)`. It need not be even: the turn makes every peer equally likely. */
function drawn(bits: number, length: number): number {
  return length <= MAX_QUICK
    ? Math.imul(bits >>> 17, length) >>> 15
    : Math.floor(((bits >>> 0) / 4294967296) * length);
}
