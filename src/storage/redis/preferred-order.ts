/**
 * Which of some candidates an announcer is given first whose request has a preference: by level, on each level
 * seeders before leechers, then the rest. Among more peers of a level than are wanted the choice is random.
 */

import { compactPeerLength } from '../../bittorrent/address-family.ts';
import type { Peer } from '../../bittorrent/peer.ts';
import { PeerList } from '../../bittorrent/peer-list.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import type { Random } from '../../pkg/random.ts';
import { appendField } from './values.ts';

/** For each peer wanted so many of each side are looked at, but no more than MOST, unless more are wanted. */
const FACTOR = 4;
const MOST = 400;

export function candidatesFor(wanted: number): number {
  return Math.max(wanted, Math.min(FACTOR * wanted, MOST));
}

/**
 * Appends up to `wanted` of the candidates to a list that has room for them.
 *
 * @param fields side by side, those of seeders first
 * @param width bytes of a field
 */
export function appendPreferred(
  fields: Uint8Array,
  width: number,
  seeders: number,
  wanted: number,
  announcer: Peer,
  preference: PeerPreference,
  random: Random,
  list: PeerList,
): void {
  const count = fields.length / width;
  const compact = new PeerList(count);
  compact.reset(list.family);
  for (let i = 0; i < count; i++) appendField(fields, i * width, compact);
  const halfwords = compact.halfwords.subarray(0, (count * compactPeerLength(list.family)) / 2);
  const found = new Int32Array(2 * count);
  const near = preference.sift(announcer, halfwords, 0, count, preference.levels, found);

  // Seeders and leechers of each level, and at the end those of none.
  const groups: number[][] = Array.from({ length: 2 * (preference.levels + 1) }, () => []);
  const levels = new Int32Array(count).fill(preference.levels);
  for (let i = 0; i < near; i++) levels[found[2 * i] as number] = found[2 * i + 1] as number;
  for (let i = 0; i < count; i++) groups[2 * (levels[i] as number) + (i < seeders ? 0 : 1)]?.push(i);

  let left = wanted;
  for (const group of groups) {
    for (let i = 0; i < group.length && left > 0; i++, left--) {
      const drawn = i + random.below(group.length - i);
      const index = group[drawn] as number;
      group[drawn] = group[i] as number;
      appendField(fields, index * width, list);
    }
  }
}
