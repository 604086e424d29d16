/** A list of address ranges (CIDR), compiled when the frontend is built. IPv4-mapped IPv6 counts as IPv4. */

import { parseIp } from '../../pkg/ip-address.ts';

interface Range {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** The 4 bytes of an IPv4-mapped address; any other address as it is. */
export function unmap(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return bytes;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return bytes;
  return bytes.subarray(12);
}

export class AddressRanges {
  readonly #ranges: readonly Range[];

  /** @throws RangeError for a text that `isAddressRange` refuses */
  constructor(texts: readonly string[]) {
    this.#ranges = texts.map((text) => {
      const range = parseRange(text);
      if (!range) throw new RangeError(`expected an address range such as 10.0.0.0/8, found "${text}"`);
      return range;
    });
  }

  /** @param bytes 4 or 16, unmapped */
  contains(bytes: Uint8Array): boolean {
    for (const range of this.#ranges) {
      if (range.bytes.length === bytes.length && startsWith(bytes, range.bytes, range.bits)) return true;
    }
    return false;
  }
}

/** Whether `text` is `ADDRESS/BITS`, or an address, which is a range of one. */
export function isAddressRange(text: string): boolean {
  return parseRange(text) !== undefined;
}

function parseRange(text: string): Range | undefined {
  const match = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text);
  const bytes = match && parseIp(match[1] as string);
  if (!bytes) return undefined;
  const bits = match[2] === undefined ? bytes.length * 8 : Number(match[2]);
  if (bits > bytes.length * 8) return undefined;
  const unmapped = unmap(bytes);
  return unmapped !== bytes && bits >= 96 ? { bytes: unmapped, bits: bits - 96 } : { bytes, bits };
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  const whole = bits >>> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== prefix[i]) return false;
  const rest = bits & 7;
  return (
    rest === 0 || (((bytes[whole] as number) ^ (prefix[whole] as number)) & (0xff00 >>> rest) & 0xff) === 0
  );
}
