/**
 * Unsigned decimal numbers from bytes, digits and nothing else: no sign, no space, no exponent. Up to 64 bit,
 * as two words, because a double holds only 53.
 */

const WORD = 0x1_0000_0000;

export class Decimal {
  /** The number last read. */
  high = 0;
  low = 0;

  /** Reads the first `length` bytes. Returns false for no digits, another byte, or more than 64 bit. */
  read(bytes: Uint8Array, length: number): boolean {
    let high = 0;
    let low = 0;
    for (let i = 0; i < length; i++) {
      const digit = (bytes[i] as number) - 0x30;
      if (digit < 0 || digit > 9) return false;
      low = low * 10 + digit;
      const carry = low < WORD ? 0 : Math.floor(low / WORD);
      low -= carry * WORD;
      high = high * 10 + carry;
      if (high >= WORD) return false;
    }
    this.high = high;
    this.low = low;
    return length > 0;
  }
}
