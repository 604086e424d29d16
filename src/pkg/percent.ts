/** Percent-decoding of query strings (RFC 3986 section 2.1; `+` is a space, as in HTML forms), bytes to bytes. */

import { HEX_VALUES } from './hex.ts';

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

/**
 * Decodes `source[start, end)` into `target`, from its beginning on; what does not fit is dropped, but counted.
 *
 * @returns the decoded length in bytes, or -1 for a `%` without two hex digits after it
 */
export function percentDecode(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let length = 0;
  for (let i = start; i < end; i++) {
    let byte = source[i] as number;
    if (byte === PERCENT) {
      if (i + 2 >= end) return -1;
      const high = HEX_VALUES[source[i + 1] as number] as number;
      const low = HEX_VALUES[source[i + 2] as number] as number;
      if ((high | low) > 15) return -1;
      byte = (high << 4) | low;
      i += 2;
    } else if (byte === PLUS) {
      byte = SPACE;
    }
    target[length++] = byte;
  }
  return length;
}

/** Whether every `%` in `source[start, end)` has two hex digits after it. */
export function areEscapesWhole(source: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (source[i] !== PERCENT) continue;
    if (i + 2 >= end) return false;
    if (
      ((HEX_VALUES[source[i + 1] as number] as number) | (HEX_VALUES[source[i + 2] as number] as number)) >
      15
    )
      return false;
    i += 2;
  }
  return true;
}
