/**
 * Intervals of addresses of one family that do not overlap, to be searched for the one that an address is in.
 * Most addresses that are asked for lie outside all of them, so that is what is looked at first.
 */

import { AddressFamily } from '../../bittorrent/address-family.ts';
import { networkUint32 } from '../../pkg/bytes.ts';
import { prefixMask } from './prefix-mask.ts';

/** Both ends are in it, as unsigned integers of 32 or 128 bits. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

export interface AddressIntervals {
  /** The number of the interval that has the address which begins at a halfword; -1 if none has it. */
  find(halfwords: Uint16Array, at: number): number;
  /** The index of the first of some compact entries, from index `from` on, whose address is in one; `count` if none is. */
  next(compact: Uint16Array, at: number, from: number, count: number): number;
}

/** @param intervals in ascending order */
export function addressIntervals(intervals: readonly Interval[], family: AddressFamily): AddressIntervals {
  return family === AddressFamily.IPv4 ? new Ipv4Intervals(intervals) : new Ipv6Intervals(intervals);
}

/** Halfwords of a compact entry, IPv4 and IPv6. */
const WIDTH4 = 3;
const WIDTH6 = 9;

class Ipv4Intervals implements AddressIntervals {
  readonly #firsts: Uint32Array;
  readonly #lasts: Uint32Array;
  /** The second half of an address as far as it is the same in all intervals, as a halfword of the machine's own order. */
  readonly #end: number;
  readonly #endMask: number;

  constructor(intervals: readonly Interval[]) {
    this.#firsts = Uint32Array.from(intervals, ({ first }) => Number(first));
    this.#lasts = Uint32Array.from(intervals, ({ last }) => Number(last));
    const least = this.#firsts.at(0) ?? 0;
    const mask = prefixMask(Math.clz32(least ^ (this.#lasts.at(-1) ?? 0)));
    this.#end = new Uint16Array(Uint8Array.of(least >>> 8, least).buffer)[0] as number;
    this.#endMask = mask[1] ?? 0;
  }

  find(halfwords: Uint16Array, at: number): number {
    return search(this.#firsts, this.#lasts, networkUint32(halfwords, at));
  }

  next(compact: Uint16Array, at: number, from: number, count: number): number {
    const firsts = this.#firsts;
    const lasts = this.#lasts;
    const least = firsts[0] as number;
    const most = lasts[lasts.length - 1] as number;
    const end = this.#end;
    const endMask = this.#endMask;
    for (let i = from, entry = at + from * WIDTH4; i < count; i++, entry += WIDTH4) {
      if ((((compact[entry + 1] as number) ^ end) & endMask) !== 0) continue;
      const address = networkUint32(compact, entry);
      if (address >= least && address <= most && search(firsts, lasts, address) >= 0) return i;
    }
    return count;
  }
}

function search(firsts: Uint32Array, lasts: Uint32Array, address: number): number {
  let low = 0;
  let high = firsts.length;
  if (high === 0 || address < (firsts[0] as number)) return -1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (address < (firsts[middle] as number)) high = middle;
    else low = middle;
  }
  return address <= (lasts[low] as number) ? low : -1;
}

/** Words of an IPv6 address. */
const WORDS = 4;

class Ipv6Intervals implements AddressIntervals {
  readonly #count: number;
  readonly #firsts: Uint32Array;
  readonly #lasts: Uint32Array;

  constructor(intervals: readonly Interval[]) {
    this.#count = intervals.length;
    this.#firsts = Uint32Array.from(intervals.flatMap(({ first }) => words(first)));
    this.#lasts = Uint32Array.from(intervals.flatMap(({ last }) => words(last)));
  }

  find(halfwords: Uint16Array, at: number): number {
    let low = 0;
    let high = this.#count;
    if (high === 0 || isBelow(halfwords, at, this.#firsts, 0)) return -1;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (isBelow(halfwords, at, this.#firsts, middle)) high = middle;
      else low = middle;
    }
    return isAbove(halfwords, at, this.#lasts, low) ? -1 : low;
  }

  next(compact: Uint16Array, at: number, from: number, count: number): number {
    for (let i = from; i < count; i++) if (this.find(compact, at + i * WIDTH6) >= 0) return i;
    return count;
  }
}

/** The most significant word first. */
function words(value: bigint): number[] {
  return Array.from({ length: WORDS }, (_, i) =>
    Number((value >> BigInt(32 * (WORDS - 1 - i))) & 0xffff_ffffn),
  );
}

function isBelow(halfwords: Uint16Array, at: number, bounds: Uint32Array, index: number): boolean {
  for (let i = 0; i < WORDS; i++) {
    const word = networkUint32(halfwords, at + 2 * i);
    const bound = bounds[WORDS * index + i] as number;
    if (word !== bound) return word < bound;
  }
  return false;
}

function isAbove(halfwords: Uint16Array, at: number, bounds: Uint32Array, index: number): boolean {
  for (let i = 0; i < WORDS; i++) {
    const word = networkUint32(halfwords, at + 2 * i);
    const bound = bounds[WORDS * index + i] as number;
    if (word !== bound) return word > bound;
  }
  return false;
}
