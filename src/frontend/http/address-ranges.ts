/** A list of address ranges (CIDR), compiled when the frontend is built. IPv4-mapped IPv6 counts as IPv4. */

import { type Cidr, parseCidr } from '../../pkg/cidr.ts';

export class AddressRanges {
  readonly #ranges: readonly Cidr[];

  /** @throws RangeError for a text that `isAddressRange` refuses */
  constructor(texts: readonly string[]) {
    this.#ranges = texts.map((text) => {
      const range = parseCidr(text);
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
  return parseCidr(text) !== undefined;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  const whole = bits >>> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== prefix[i]) return false;
  const rest = bits & 7;
  return (
    rest === 0 || (((bytes[whole] as number) ^ (prefix[whole] as number)) & (0xff00 >>> rest) & 0xff) === 0
  );
}
