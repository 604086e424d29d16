/** Preferences that are obviously right, and a look at a single candidate. */

import { addressLength, compactPeerLength } from '../../src/bittorrent/address-family.ts';
import { COMPACT_OFFSET, type Peer } from '../../src/bittorrent/peer.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';

/** The level of one candidate; `levels` if it is on none. */
export function levelOf(preference: PeerPreference, announcer: Peer, candidate: Peer): number {
  const found = new Int32Array(2);
  const { levels } = preference;
  const count = preference.sift(announcer, candidate.halfwords, COMPACT_OFFSET / 2, 1, levels, found);
  return count === 0 ? levels : (found[1] as number);
}

/** Gives each candidate the level that a function of two addresses says. */
export class PreferenceByAddress implements PeerPreference {
  readonly levels: number;
  readonly #levelOf: (announcer: Uint8Array, candidate: Uint8Array) => number;

  /** @param levelOf of the 4 or 16 bytes of each; `levels` and more is no level */
  constructor(levels: number, levelOf: (announcer: Uint8Array, candidate: Uint8Array) => number) {
    this.levels = levels;
    this.#levelOf = levelOf;
  }

  sift(
    announcer: Peer,
    compact: Uint16Array,
    at: number,
    count: number,
    below: number,
    found: Int32Array,
  ): number {
    const { family } = announcer;
    const bytes = new Uint8Array(compact.buffer, compact.byteOffset + 2 * at);
    let hits = 0;
    for (let i = 0; i < count; i++) {
      const start = i * compactPeerLength(family);
      const level = this.#levelOf(
        announcer.addressBytes,
        bytes.subarray(start, start + addressLength(family)),
      );
      if (level >= below) continue;
      found[2 * hits] = i;
      found[2 * hits + 1] = level;
      hits++;
    }
    return hits;
  }
}

/** Level 0 are peers whose last byte is the announcer's, level 1 those with the same remainder by 8. */
export const sameLastByte = new PreferenceByAddress(2, (announcer, candidate) => {
  const [own = 0, theirs = 0] = [announcer.at(-1), candidate.at(-1)];
  return own === theirs ? 0 : own % 8 === theirs % 8 ? 1 : 2;
});
