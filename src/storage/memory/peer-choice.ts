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
import { ID_WORDS, RECORD_MASK, segmentOf } from './record-slab.ts';
import type { SwarmPeers } from './swarm-peers.ts';

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
    if (count === eligible) this.#copyAll(swarm, from, to, except, list);
    else this.#draw(swarm, from, hasException ? except : to, eligible, count, list);
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

  #copyAll(swarm: number, from: number, to: number, except: number, list: PeerList): void {
    for (let i = from; i < to; i++) if (i !== except) this.copy(this.#peers.recordAt(swarm, i), list);
  }

  /** Copies `count` of the `eligible` positions from `from` on, which leave out `gap`. */
  #draw(swarm: number, from: number, gap: number, eligible: number, count: number, list: PeerList): void {
    const peers = this.#peers;
    const random = this.#random;
    const piece = eligible / count;
    const turn = random.below(eligible);
    let start = 0;
    for (let i = 1; i <= count; i++) {
      const end = (i * piece) | 0;
      let position = start + random.below(end - start) + turn;
      if (position >= eligible) position -= eligible;
      position += from;
      if (position >= gap) position++;
      this.copy(peers.recordAt(swarm, position), list);
      start = end;
    }
  }

  /** Appends the peer in a record; the list has room. */
  copy(record: number, list: PeerList): void {
    const { slab } = this.#peers;
    const { width } = slab;
    const from = slab.compact[segmentOf(record)] as Uint16Array;
    const to = list.halfwords;
    let source = (record & RECORD_MASK) * width;
    let target = (list.start >>> 1) + list.count * width;
    to[target] = from[source] as number;
    to[target + 1] = from[source + 1] as number;
    to[target + 2] = from[source + 2] as number;
    // An IPv4 peer ends here; the loop, short as it is, would cost as much again.
    for (const end = source + width; source + 3 < end; source++, target++) {
      to[target + 3] = from[source + 3] as number;
    }
    if (list.includeIds) this.#copyId(record, list);
    list.count++;
  }

  #copyId(record: number, list: PeerList): void {
    const ids = this.#peers.slab.ids[segmentOf(record)] as Int32Array;
    const at = (record & RECORD_MASK) * ID_WORDS;
    const bytes = new Uint8Array(ids.buffer, ids.byteOffset + at * 4, ID_WORDS * 4);
    list.ids.set(bytes, list.count * ID_WORDS * 4);
  }
}
