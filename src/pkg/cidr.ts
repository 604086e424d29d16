/** Address ranges in CIDR notation. IPv4-mapped IPv6 counts as IPv4. */

import { isMapped, parseIp } from './ip-address.ts';

/** The addresses that begin with the first `bits` bits of `bytes`, which are 4 or 16. */
export interface Cidr {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** `ADDRESS/BITS`, or an address, which is a range of one; `undefined` for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text);
  const bytes = match && parseIp(match[1] as string);
  if (!bytes) return undefined;
  const bits = match[2] === undefined ? bytes.length * 8 : Number(match[2]);
  if (bits > bytes.length * 8) return undefined;
  const unmapped = unmap(bytes);
  return unmapped !== bytes && bits >= 96 ? { bytes: unmapped, bits: bits - 96 } : { bytes, bits };
}

/** The 4 bytes of an IPv4-mapped address; any other address as it is. */
export function unmap(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 && isMapped(bytes, 0) ? bytes.subarray(12) : bytes;
}
