/** IPv4 peers by the longest prefix that they share with the announcer. */

import { COMPACT_HALFWORD, type Peer } from '../../bittorrent/peer.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import { byLength, prefixMask } from './prefix-mask.ts';

/** Halfwords of a compact entry. */
const WIDTH = 3;

export class Ipv4Prefixes implements PeerPreference {
  readonly levels: number;
  /** Of each level; each has the bits of those behind it. */
  readonly #masks: Int32Array;

  /** @param prefixes their lengths, 1 to 32; at least one */
  constructor(prefixes: readonly number[]) {
    const lengths = byLength(prefixes);
    this.levels = lengths.length;
    this.#masks = Int32Array.from(lengths, (bits) => {
      const mask = new Uint16Array(2);
      mask.set(prefixMask(bits));
      return joined(mask, 0);
    });
  }

  /** Most candidates differ under the shortest prefix already, and of their address in the second half. */
  sift(
    announcer: Peer,
    compact: Uint16Array,
    at: number,
    count: number,
    below: number,
    found: Int32Array,
  ): number {
    const masks = this.#masks;
    const own = joined(announcer.halfwords, COMPACT_HALFWORD);
    const shortest = masks[below - 1] as number;
    const ownEnd = own >>> 16;
    const shortestEnd = shortest >>> 16;
    let hits = 0;
    for (let i = 0, entry = at; i < count; i++, entry += WIDTH) {
      if ((((compact[entry + 1] as number) ^ ownEnd) & shortestEnd) !== 0) continue;
      const difference = joined(compact, entry) ^ own;
      if ((difference & shortest) !== 0) continue;
      let level = below - 1;
      while (level > 0 && (difference & (masks[level - 1] as number)) === 0) level--;
      found[2 * hits] = i;
      found[2 * hits + 1] = level;
      hits++;
    }
    return hits;
  }
}

/** Two halfwords as one word. Which byte goes where does not matter, as long as it is always the same place. */
function joined(halfwords: Uint16Array, at: number): number {
  return (halfwords[at] as number) | ((halfwords[at + 1] as number) << 16);
}
