/**
 * Bencoding (BEP 3) straight into bytes: functions `(target, at, …)` that return where they stopped.
 *
 * Nobody here checks for room: the writer reserves it before it begins an answer.
 */

const ZERO = 0x30;
const COLON = 0x3a;
const INTEGER = 0x69;
const END = 0x65;

/** The most digits `writeDigits` writes: those of 2^53 - 1. */
export const MAX_DIGITS = 16;

/** The bytes of a fixed, ASCII piece of an answer. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

/** How many decimal digits `value`, a whole number below 2^53, has. */
export function countDigits(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound && digits < MAX_DIGITS; bound *= 10) digits++;
  return digits;
}

/** `value` in decimal. A fraction is cut off; what is negative or no number is 0: hooks set these values. */
export function writeDigits(target: Uint8Array, at: number, value: number): number {
  let rest = value > 0 ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER) : 0;
  const end = at + countDigits(rest);
  for (let i = end - 1; i >= at; i--) {
    // Up to 31 bits the division stays an integer one, which is several times as fast.
    const quotient = rest < 0x80000000 ? (rest / 10) | 0 : Math.floor(rest / 10);
    target[i] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  return end;
}

/** `i…e` */
export function writeInteger(target: Uint8Array, at: number, value: number): number {
  target[at] = INTEGER;
  const end = writeDigits(target, at + 1, value);
  target[end] = END;
  return end + 1;
}

/** `source` as it is. For short pieces: a loop beats the call into the engine that `set` is. */
export function writeBytes(target: Uint8Array, at: number, source: Uint8Array): number {
  for (let i = 0; i < source.length; i++) target[at + i] = source[i] as number;
  return at + source.length;
}

/** The length of a string and its colon; the string itself follows. */
export function writeStringHead(target: Uint8Array, at: number, length: number): number {
  const end = writeDigits(target, at, length);
  target[end] = COLON;
  return end + 1;
}
