/** IPv6 peers by the longest prefix that they share with the announcer. */

import { COMPACT_HALFWORD, type Peer } from '../../bittorrent/peer.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import { byLength, prefixMask } from './prefix-mask.ts';

/** Halfwords of a compact entry. */
const WIDTH = 9;

export class Ipv6Prefixes implements PeerPreference {
  readonly levels: number;
  /** Of each level; each has the bits of those behind it. */
  readonly #masks: readonly Uint16Array[];

  /** @param prefixes their lengths, 1 to 128; at least one */
  constructor(prefixes: readonly number[]) {
    this.#masks = byLength(prefixes).map(prefixMask);
    this.levels = this.#masks.length;
  }

  sift(
    announcer: Peer,
    compact: Uint16Array,
    at: number,
    count: number,
    below: number,
    found: Int32Array,
  ): number {
    const masks = this.#masks;
    const own = announcer.halfwords;
    const shortest = masks[below - 1] as Uint16Array;
    let hits = 0;
    for (let i = 0, entry = at; i < count; i++, entry += WIDTH) {
      if (!agree(own, compact, entry, shortest)) continue;
      let level = below - 1;
      while (level > 0 && agree(own, compact, entry, masks[level - 1] as Uint16Array)) level--;
      found[2 * hits] = i;
      found[2 * hits + 1] = level;
      hits++;
    }
    return hits;
  }
}

/** Whether two addresses are the same under a mask. Looks at its end first, where neighbours differ. */
function agree(own: Uint16Array, compact: Uint16Array, entry: number, mask: Uint16Array): boolean {
  for (let i = mask.length - 1; i >= 0; i--) {
    const difference = (own[COMPACT_HALFWORD + i] as number) ^ (compact[entry + i] as number);
    if ((difference & (mask[i] as number)) !== 0) return false;
  }
  return true;
}
