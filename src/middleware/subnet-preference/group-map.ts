/**
 * Which group an address of one family is in, and the preference that goes with it.
 *
 * Ranges may lie in each other; the smallest counts. So they are first laid out side by side:
 *
 *     hall 1         |-------------------------------|
 *     hall 1/rack 1       |-----|
 *     hall 1/rack 2                   |-----|
 *                    | h1 | r1  | h1  | r2  |   h1   |
 *
 * A group's addresses are then the pieces of its own and those of all groups in it.
 */

import { type AddressFamily, addressLength } from '../../bittorrent/address-family.ts';
import { COMPACT_HALFWORD, type Peer } from '../../bittorrent/peer.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import { parseCidr } from '../../pkg/cidr.ts';
import { type AddressIntervals, addressIntervals, type Interval } from './address-intervals.ts';
import type { Groups } from './config.ts';
import { GroupPreference } from './group-preference.ts';

/** A stretch of addresses that are all in one group. */
interface Piece extends Interval {
  readonly group: string;
}

export class GroupMap {
  readonly #pieces: AddressIntervals;
  /** By piece that of its group. */
  readonly #preferences: readonly PeerPreference[];

  constructor(groups: Groups, family: AddressFamily) {
    const pieces = sideBySide(rangesOf(groups, family));
    this.#pieces = addressIntervals(pieces, family);

    const addresses = new Map<string, Piece[]>();
    for (const piece of pieces) {
      for (const name of withGroupsAround(piece.group)) {
        const own = addresses.get(name) ?? [];
        addresses.set(name, own);
        append(own, { ...piece, group: name });
      }
    }
    const intervals = new Map([...addresses].map(([name, own]) => [name, addressIntervals(own, family)]));
    const preferences = new Map<string, PeerPreference>();
    for (const { group } of pieces) {
      if (preferences.has(group)) continue;
      const around = withGroupsAround(group).map((name) => intervals.get(name) as AddressIntervals);
      preferences.set(group, new GroupPreference(around, family));
    }
    this.#preferences = pieces.map(({ group }) => preferences.get(group) as PeerPreference);
  }

  /** That of the group that a peer is in; `undefined` if it is in none. */
  preferenceOf(peer: Peer): PeerPreference | undefined {
    const piece = this.#pieces.find(peer.halfwords, COMPACT_HALFWORD);
    return piece < 0 ? undefined : this.#preferences[piece];
  }
}

/** A group's name, then that of the group around it, and so on. */
function withGroupsAround(name: string): string[] {
  const parts = name.split('/');
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('/'));
}

/** In ascending order, wider ones before those that lie in them. */
function rangesOf(groups: Groups, family: AddressFamily): Piece[] {
  const ranges: Piece[] = [];
  for (const [group, texts] of Object.entries(groups)) {
    for (const text of texts) {
      const cidr = parseCidr(text);
      if (cidr?.bytes.length !== addressLength(family)) continue;
      const rest = BigInt(8 * cidr.bytes.length - cidr.bits);
      const first = (BigInt(`0x${Buffer.from(cidr.bytes).toString('hex')}`) >> rest) << rest;
      ranges.push({ first, last: first + (1n << rest) - 1n, group });
    }
  }
  return ranges.sort((a, b) => sign(a.first - b.first) || sign(b.last - a.last));
}

function sign(difference: bigint): number {
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** CIDRs never overlap but by lying in each other, so those that are open at an address are a stack. */
function sideBySide(ranges: readonly Piece[]): Piece[] {
  const pieces: Piece[] = [];
  const open: Piece[] = [];
  let next = 0n;
  const closeUpTo = (end: bigint | undefined) => {
    for (let top = open.at(-1); top && (end === undefined || top.last < end); top = open.at(-1)) {
      append(pieces, { first: next, last: top.last, group: top.group });
      next = top.last + 1n;
      open.pop();
    }
  };
  for (const range of ranges) {
    closeUpTo(range.first);
    const around = open.at(-1);
    if (around) append(pieces, { first: next, last: range.first - 1n, group: around.group });
    next = range.first;
    open.push(range);
  }
  closeUpTo(undefined);
  return pieces;
}

/** Adds a piece at the end, unless it is empty; one that goes on where its like ends becomes part of that. */
function append(pieces: Piece[], piece: Piece): void {
  if (piece.first > piece.last) return;
  const previous = pieces.at(-1);
  if (previous?.group === piece.group && previous.last + 1n === piece.first) {
    pieces[pieces.length - 1] = { ...piece, first: previous.first };
  } else {
    pieces.push(piece);
  }
}
