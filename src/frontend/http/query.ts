/**
 * Where in a query the parameters that a tracker reads stand. Nothing is copied or decoded but the
 * keys, on the way; `Params` shows hooks the rest.
 */

import { latin1 } from '../../pkg/bytes.ts';
import { percentDecode } from '../../pkg/percent.ts';
import type { Decimal } from './decimal.ts';

/** The parameters whose last value counts, by number. */
export const Key = {
  PeerId: 0,
  Left: 1,
  Downloaded: 2,
  Uploaded: 3,
  Port: 4,
  Event: 5,
  Numwant: 6,
  Compact: 7,
  Ip: 8,
  Ipv4: 9,
  Ipv6: 10,
} as const;
export type Key = (typeof Key)[keyof typeof Key];

const NAMES = [
  'peer_id',
  'left',
  'downloaded',
  'uploaded',
  'port',
  'event',
  'numwant',
  'compact',
  'ip',
  'ipv4',
  'ipv6',
].map((name) => Buffer.from(name));
const INFO_HASH = Buffer.from('info_hash');
const NO_KEY = -1;
const INFO_HASH_KEY = -2;
const LONGEST_NAME = 10;

/** Keys by length, so that most unknown ones cost a table access. */
const KEYS_BY_LENGTH: number[][] = Array.from({ length: LONGEST_NAME + 1 }, (_, length) =>
  NAMES.flatMap((name, key) => (name.length === length ? [key] : [])),
);

/** What a byte means in a query. */
const PLAIN = 0;
const PERCENT = 1;
const PLUS = 2;
const EQUALS = 3;
const SEPARATOR = 4;
const MEANING = new Uint8Array(256);
MEANING[0x25] = PERCENT;
MEANING[0x2b] = PLUS;
MEANING[0x3d] = EQUALS;
MEANING[0x26] = MEANING[0x3b] = SEPARATOR;

export class Query {
  /** How many `info_hash` parameters there are. */
  infohashCount = 0;
  /** Decoded bytes of the value last asked for; valid until the next call of `decode…`. */
  readonly value: Uint8Array;
  #bytes: Uint8Array = new Uint8Array(0);
  /** Start and end of each value; a start of -1 for a key that is absent. */
  readonly #values = new Int32Array(2 * NAMES.length);
  readonly #infohashes: Int32Array;
  readonly #key = new Uint8Array(LONGEST_NAME + 1);

  /** @param longest bytes of the longest query, which bounds values and their number */
  constructor(longest: number) {
    this.value = new Uint8Array(longest);
    this.#infohashes = new Int32Array(2 * Math.ceil(longest / INFO_HASH.length));
  }

  /** Finds the parameters of the query `bytes[start, end)`, which is borrowed. Returns false for a broken `%` escape. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#values.fill(-1);
    this.infohashCount = 0;
    // One pass, and one table access a byte: this loop is most of what parsing costs.
    for (let at = start; at < end; at++) {
      const keyStart = at;
      let meaning = PLAIN;
      let escaped = false;
      for (; at < end; at++) {
        meaning = MEANING[bytes[at] as number] as number;
        if (meaning >= EQUALS) break;
        if (meaning !== PLAIN) escaped = true;
      }
      const keyEnd = at;
      if (at < end && meaning === EQUALS) at++;
      const valueStart = at;
      for (; at < end; at++) {
        meaning = MEANING[bytes[at] as number] as number;
        if (meaning === SEPARATOR) break;
        if (meaning === PERCENT && !isEscape(bytes, at, end)) return false;
      }

      let key = NO_KEY;
      if (!escaped) {
        key = keyNumber(bytes, keyStart, keyEnd - keyStart);
      } else {
        const length = percentDecode(bytes, keyStart, keyEnd, this.#key);
        if (length < 0) return false;
        key = keyNumber(this.#key, 0, length);
      }
      if (key >= 0) {
        this.#values[2 * key] = valueStart;
        this.#values[2 * key + 1] = at;
      } else if (key === INFO_HASH_KEY) {
        this.#infohashes[2 * this.infohashCount] = valueStart;
        this.#infohashes[2 * this.infohashCount + 1] = at;
        this.infohashCount++;
      }
    }
    return true;
  }

  has(key: Key): boolean {
    return this.#values[2 * key] !== -1;
  }

  /** Decodes a parameter into `value` and returns its length; -1 if it is absent. */
  decode(key: Key): number {
    const start = this.#values[2 * key] as number;
    if (start < 0) return -1;
    return percentDecode(this.#bytes, start, this.#values[2 * key + 1] as number, this.value);
  }

  /** Reads a parameter into `decimal`; false if it is absent or no number. */
  number(key: Key, decimal: Decimal): boolean {
    const start = this.#values[2 * key] as number;
    if (start < 0) return false;
    return (
      decimal.read(this.#bytes, start, this.#values[2 * key + 1] as number) ||
      // Digits may be escaped like anything else; nobody does it.
      decimal.read(this.value, 0, this.decode(key))
    );
  }

  /** Decodes the `index`-th `info_hash` into `value` and returns its length. */
  decodeInfohash(index: number): number {
    const start = this.#infohashes[2 * index] as number;
    return percentDecode(this.#bytes, start, this.#infohashes[2 * index + 1] as number, this.value);
  }

  /** A parameter as text, a character a byte; `undefined` if it is absent. Makes a string: not for every request. */
  text(key: Key): string | undefined {
    const length = this.decode(key);
    return length < 0 ? undefined : latin1(this.value, 0, length);
  }
}

/** Whether the `%` at `at` has two hex digits behind it; neither can be a separator. */
function isEscape(bytes: Uint8Array, at: number, end: number): boolean {
  return at + 2 < end && isHexDigit(bytes[at + 1] as number) && isHexDigit(bytes[at + 2] as number);
}

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x66);
}

function keyNumber(bytes: Uint8Array, start: number, length: number): number {
  if (length > LONGEST_NAME) return NO_KEY;
  const keys = KEYS_BY_LENGTH[length] as number[];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    if (sameName(bytes, start, NAMES[key] as Uint8Array)) return key;
  }
  return length === INFO_HASH.length && isInfoHash(bytes, start) ? INFO_HASH_KEY : NO_KEY;
}

/** Without case: names are lower case, so only an upper-case letter may differ. */
function sameName(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i] as number;
    if (byte !== name[i] && !(byte >= 0x41 && byte <= 0x5a && byte + 0x20 === name[i])) return false;
  }
  return true;
}

function isInfoHash(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < INFO_HASH.length; i++) if (bytes[start + i] !== INFO_HASH[i]) return false;
  return true;
}
