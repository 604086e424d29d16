/** Peers of the announcer's own group, and of the groups that this one is in. */

import { type AddressFamily, compactPeerLength } from '../../bittorrent/address-family.ts';
import type { Peer } from '../../bittorrent/peer.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import type { AddressIntervals } from './address-intervals.ts';

/** One for each group: an announcer's is looked up once, and its address not looked at again. */
export class GroupPreference implements PeerPreference {
  readonly levels: number;
  /** The addresses of the group, then those of the group around it, and so on: each has those before it. */
  readonly #groups: readonly AddressIntervals[];
  readonly #width: number;

  /** @param groups the innermost first; at least one */
  constructor(groups: readonly AddressIntervals[], family: AddressFamily) {
    this.levels = groups.length;
    this.#groups = groups;
    this.#width = compactPeerLength(family) / 2;
  }

  sift(
    _announcer: Peer,
    compact: Uint16Array,
    at: number,
    count: number,
    below: number,
    found: Int32Array,
  ): number {
    const groups = this.#groups;
    const width = this.#width;
    const outermost = groups[below - 1] as AddressIntervals;
    let hits = 0;
    for (
      let i = outermost.next(compact, at, 0, count);
      i < count;
      i = outermost.next(compact, at, i + 1, count)
    ) {
      const entry = at + i * width;
      let level = below - 1;
      while (level > 0 && (groups[level - 1] as AddressIntervals).find(compact, entry) >= 0) level--;
      found[2 * hits] = i;
      found[2 * hits + 1] = level;
      hits++;
    }
    return hits;
  }
}
