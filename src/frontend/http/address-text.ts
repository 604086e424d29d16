/**
 * Addresses as text, written straight into bytes: what `formatIp` gives, without its strings. A
 * non-compact answer names up to `max_numwant` addresses.
 */

import { writeDigits } from './bencode.ts';

/** The most bytes an address takes: eight groups of four digits and seven colons. */
export const MAX_ADDRESS_TEXT = 39;

const DOT = 0x2e;
const COLON = 0x3a;
const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/** The address of `length` (4 or 16) bytes at `offset` of `source`. Returns where the text ends. */
export function writeAddress(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  offset: number,
  length: number,
): number {
  return length === 4 ? writeIpv4(target, at, source, offset) : writeIpv6(target, at, source, offset);
}

function writeIpv4(target: Uint8Array, at: number, source: Uint8Array, offset: number): number {
  let end = writeDigits(target, at, source[offset] as number);
  for (let i = 1; i < 4; i++) {
    target[end] = DOT;
    end = writeDigits(target, end + 1, source[offset + i] as number);
  }
  return end;
}

/** RFC 5952: lower case, no leading zeros, the first of the longest runs of two or more zero groups is `::`. */
function writeIpv6(target: Uint8Array, at: number, source: Uint8Array, offset: number): number {
  let runStart = -1;
  let runLength = 1;
  for (let group = 0; group < 8; ) {
    let length = 0;
    while (group + length < 8 && groupAt(source, offset, group + length) === 0) length++;
    if (length > runLength) {
      runStart = group;
      runLength = length;
    }
    group += length + 1;
  }

  let end = at;
  for (let group = 0; group < 8; group++) {
    if (group === runStart) {
      target[end++] = COLON;
      target[end++] = COLON;
      group += runLength - 1;
      continue;
    }
    if (group > 0 && group !== runStart + runLength) target[end++] = COLON;
    end = writeGroup(target, end, groupAt(source, offset, group));
  }
  return end;
}

function groupAt(source: Uint8Array, offset: number, group: number): number {
  return ((source[offset + 2 * group] as number) << 8) | (source[offset + 2 * group + 1] as number);
}

function writeGroup(target: Uint8Array, at: number, value: number): number {
  let end = at;
  for (let shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    target[end++] = HEX_DIGITS[(value >>> shift) & 15] as number;
  }
  return end;
}
