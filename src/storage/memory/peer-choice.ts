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
    const skipFrom = hasException ? except : to;
    if (count === eligible) {
      for (let i = from; i < to; i++) if (i !== except) this.#copy(swarm, i, list);
      return;
    }
    const piece = eligible / count;
    const turn = this.#random.below(eligible);
    let start = 0;
    for (let i = 1; i <= count; i++) {
      const end = Math.floor(i * piece);
      let position = from + ((start + this.#random.below(end - start) + turn) % eligible);
      if (position >= skipFrom) position++;
      this.#copy(swarm, position, list);
      start = end;
    }
  }

  /** Appends the peer at a position; the list has room. */
  #copy(swarm: number, position: number, list: PeerList): void {
    const { slab } = this.#peers;
    const record = this.#peers.recordAt(swarm, position);
    const { width } = slab;
    const from = slab.compact[segmentOf(record)] as Uint16Array;
    const to = list.halfwords;
    const source = (record & RECORD_MASK) * width;
    const target = (list.start >>> 1) + list.count * width;
    for (let i = 0; i < width; i++) to[target + i] = from[source + i] as number;
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
