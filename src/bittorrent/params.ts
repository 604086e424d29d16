/**
 * The path and the query of a request, for hooks: an HTTP request's target, or the URL data of a UDP
 * announce (BEP 41). Nothing is decoded until somebody asks.
 *
 * Keys are compared without case and of a repeated key the last value counts. `info_hash`, which may
 * repeat, is read by the frontends and stands in the request itself.
 */

import { latin1 } from '../pkg/bytes.ts';
import { areEscapesWhole, percentDecode } from '../pkg/percent.ts';

const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SLASH = 0x2f;
const NOTHING = new Uint8Array(0);

export class Params {
  #bytes: Uint8Array = NOTHING;
  #pathStart = 0;
  #pathEnd = 0;
  #queryStart = 0;
  #queryEnd = 0;
  #values: Map<string, Uint8Array> | undefined;

  /** Borrows `bytes` until `retain` or the next `assign`. Ranges are `[start, end)`; no `?` in the query. */
  assign(bytes: Uint8Array, pathStart: number, pathEnd: number, queryStart: number, queryEnd: number): void {
    this.#bytes = bytes;
    this.#pathStart = pathStart;
    this.#pathEnd = pathEnd;
    this.#queryStart = queryStart;
    this.#queryEnd = queryEnd;
    this.#values = undefined;
  }

  clear(): void {
    this.assign(NOTHING, 0, 0, 0, 0);
  }

  /** Makes the bytes this object's own: called by a frontend before it reuses the buffer they came in. */
  retain(): void {
    if (this.#pathEnd === this.#pathStart && this.#queryEnd === this.#queryStart) return;
    const path = this.#bytes.slice(this.#pathStart, this.#pathEnd);
    const bytes = new Uint8Array(path.length + this.#queryEnd - this.#queryStart);
    bytes.set(path, 0);
    bytes.set(this.#bytes.subarray(this.#queryStart, this.#queryEnd), path.length);
    this.assign(bytes, 0, path.length, path.length, bytes.length);
  }

  /** The path as it was sent, not decoded. */
  get path(): string {
    return latin1(this.#bytes, this.#pathStart, this.#pathEnd);
  }

  /** The query as it was sent, not decoded, without the `?`. */
  get query(): string {
    return latin1(this.#bytes, this.#queryStart, this.#queryEnd);
  }

  /** A parameter's value as UTF-8 text; `undefined` if the request has no such key. */
  get(name: string): string | undefined {
    const bytes = this.getBytes(name);
    return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }

  /** A parameter's value, percent-decoded, a `+` turned to a space. */
  getBytes(name: string): Uint8Array | undefined {
    this.#values ??= parseQuery(this.#bytes, this.#queryStart, this.#queryEnd);
    return this.#values.get(name.toLowerCase());
  }

  /**
   * What `getBytes` returns, written to `target` as far as there is room, without making anything: for hooks that
   * look at every request.
   *
   * @param name in lower case
   * @returns the value's length, or -1 if the request has no such key
   */
  readValue(name: Uint8Array, target: Uint8Array): number {
    const bytes = this.#bytes;
    const end = this.#queryEnd;
    let valueStart = -1;
    let valueEnd = -1;
    for (let at = this.#queryStart; at < end; ) {
      const pairEnd = endOfPair(bytes, at, end);
      const keyEnd = endOfName(bytes, at, pairEnd, name);
      if (keyEnd >= 0) {
        const from = Math.min(keyEnd + 1, pairEnd);
        if (areEscapesWhole(bytes, from, pairEnd)) {
          valueStart = from;
          valueEnd = pairEnd;
        }
      }
      at = pairEnd + 1;
    }
    return valueStart < 0 ? -1 : percentDecode(bytes, valueStart, valueEnd, target);
  }

  /**
   * The first segment of a path that is `/`, that segment and `rest`, percent-decoded to `target` as far as there is
   * room.
   *
   * @returns the segment's length, or -1 if the path is another or has a broken escape
   */
  readSegment(rest: Uint8Array, target: Uint8Array): number {
    const bytes = this.#bytes;
    const start = this.#pathStart + 1;
    const end = this.#pathEnd - rest.length;
    if (end <= start || bytes[start - 1] !== SLASH) return -1;
    for (let i = 0; i < rest.length; i++) if (bytes[end + i] !== rest[i]) return -1;
    let escaped = false;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      // In a path, unlike in a query, a `+` is itself: no segment that has one is decoded.
      if (byte === SLASH || byte === PLUS) return -1;
      if (byte === PERCENT) escaped = true;
      target[i - start] = byte;
    }
    return escaped ? percentDecode(bytes, start, end, target) : end - start;
  }
}

/** Where the key of the pair `[at, end)` ends, if it is `name` in any case; else -1. */
function endOfName(bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  let i = at;
  let matched = 0;
  for (; i < end && bytes[i] !== EQUALS; i++) {
    let byte = bytes[i] as number;
    // Keys with escapes are rare: they are taken the long way.
    if (byte === PERCENT || byte === PLUS) return endOfEscapedName(bytes, at, end, name);
    if (byte >= 0x41 && byte <= 0x5a) byte += 0x20;
    if (byte !== name[matched++]) return -1;
  }
  return matched === name.length ? i : -1;
}

function endOfEscapedName(bytes: Uint8Array, at: number, end: number, name: Uint8Array): number {
  let keyEnd = at;
  while (keyEnd < end && bytes[keyEnd] !== EQUALS) keyEnd++;
  const key = decode(bytes, at, keyEnd);
  if (!key || latin1(key, 0, key.length).toLowerCase() !== latin1(name, 0, name.length)) return -1;
  return keyEnd;
}

/** The pairs of a query whose escapes have been checked; a broken one leaves its pair out. */
function parseQuery(bytes: Uint8Array, start: number, end: number): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (let at = start; at < end; ) {
    const pairEnd = endOfPair(bytes, at, end);
    let keyEnd = at;
    while (keyEnd < pairEnd && bytes[keyEnd] !== EQUALS) keyEnd++;
    const key = decode(bytes, at, keyEnd);
    const value = decode(bytes, Math.min(keyEnd + 1, pairEnd), pairEnd);
    if (key && value && pairEnd > at) values.set(latin1(key, 0, key.length).toLowerCase(), value);
    at = pairEnd + 1;
  }
  return values;
}

/** Where the pair that begins at `at` ends: its `&` or `;`, or `end`. */
export function endOfPair(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && bytes[i] !== AMPERSAND && bytes[i] !== SEMICOLON) i++;
  return i;
}

function decode(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const target = new Uint8Array(end - start);
  const length = percentDecode(bytes, start, end, target);
  return length < 0 ? undefined : target.subarray(0, length);
}
