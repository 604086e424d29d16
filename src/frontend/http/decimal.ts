/**
 * Unsigned decimal numbers from bytes, digits and nothing else: no sign, no space, no exponent. Up to 64 bit,
 * as two words, because a double holds only 53.
 */

const WORD = 0x1_0000_0000;
/** As many digits as surely fit into 31 bit. */
const SMALL_DIGITS = 9;

export class Decimal {
  /** The number last read. */
  high = 0;
  low = 0;

  /** Reads `bytes[start, end)`. Returns false for no digits, another byte, or more than 64 bit. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    let high = 0;
    let low = 0;
    let i = start;
    // Most numbers are small, and integers are several times as fast as doubles.
    for (const small = Math.min(end, start + SMALL_DIGITS); i < small; i++) {
      const digit = (bytes[i] as number) - 0x30;
      if (digit < 0 || digit > 9) return false;
      low = (low * 10 + digit) | 0;
    }
    for (; i < end; i++) {
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
    return end > start;
  }
}
