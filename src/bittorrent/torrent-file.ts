/**
 * The infohashes of a `.torrent` file (BEP 3, BEP 52). They are hashes of the bytes of the `info` value as it
 * stands there, so those bytes are found, not decoded and encoded again.
 *
 * A torrent of version 1 has a SHA-1, one of version 2 the first 20 bytes of a SHA-256. A hybrid has both, and clients
 * announce it under either.
 */

import { createHash } from 'node:crypto';
import { latin1 } from '../pkg/bytes.ts';
import { INFOHASH_LENGTH } from './peer.ts';

const DICTIONARY = 0x64;
const INTEGER = 0x69;
const LIST = 0x6c;
const END = 0x65;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Lists and dictionaries within each other; file trees are as deep as their paths. */
const DEEPEST = 256;

/** Where a value begins and ends. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** @throws Error that says at which byte, if these are not the bytes of one whole torrent */
export function infohashesOf(bytes: Uint8Array): Uint8Array[] {
  const scanner = new Scanner(bytes);
  const top = scanner.dictionary(0, ['info']);
  if (top.end !== bytes.length) throw scanner.mistake('the end of the file', top.end);
  const info = top.values.get('info');
  if (info === undefined) throw new Error('expected a dictionary with the key "info", found one without');
  const { values } = scanner.dictionary(info.start, ['pieces', 'meta version', 'file tree']);
  const text = bytes.subarray(info.start, info.end);
  const version = values.get('meta version');
  const hashes: Uint8Array[] = [];
  if (values.has('pieces')) hashes.push(digest('sha1', text));
  if (version !== undefined) {
    if (latin1(bytes, version.start, version.end) !== 'i2e') {
      throw scanner.mistake('version 2 as the "meta version"', version.start);
    }
    hashes.push(digest('sha256', text).subarray(0, INFOHASH_LENGTH));
  }
  if (hashes.length === 0) {
    throw new Error('expected "pieces" or a "meta version" in the "info" of a torrent, found neither');
  }
  return hashes;
}

function digest(algorithm: 'sha1' | 'sha256', bytes: Uint8Array): Buffer {
  return createHash(algorithm).update(bytes).digest();
}

/** Goes through bencoded values without making anything of them. */
class Scanner {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The dictionary at `at`, and the values of some of its keys, each of which it may have once. */
  dictionary(at: number, wanted: readonly string[]): { values: Map<string, Span>; end: number } {
    if (this.#bytes[at] !== DICTIONARY) throw this.mistake('a dictionary', at);
    const values = new Map<string, Span>();
    let next = at + 1;
    while (this.#bytes[next] !== END) {
      const start = this.#string(next);
      const key = latin1(this.#bytes, this.#bytes.indexOf(COLON, next) + 1, start);
      const end = this.#value(start, 1);
      if (wanted.includes(key)) {
        if (values.has(key)) throw this.mistake(`the key "${key}" once`, next);
        values.set(key, { start, end });
      }
      next = end;
    }
    return { values, end: next + 1 };
  }

  mistake(what: string, at: number): Error {
    const found = at < this.#bytes.length ? 'something else' : 'the end of the file';
    return new Error(`expected ${what} at byte ${at}, found ${found}`);
  }

  /** Where the value that begins at `at` ends. */
  #value(at: number, depth: number): number {
    const type = this.#bytes[at];
    if (type === INTEGER) return this.#number(at + 1, END, true) + 1;
    if (type !== LIST && type !== DICTIONARY) return this.#string(at);
    if (depth === DEEPEST)
      throw this.mistake(`at most ${DEEPEST} lists and dictionaries within each other`, at);
    let next = at + 1;
    while (this.#bytes[next] !== END) {
      if (type === DICTIONARY) next = this.#string(next);
      next = this.#value(next, depth + 1);
    }
    return next + 1;
  }

  /** Where the string whose length is written at `at` ends. */
  #string(at: number): number {
    const colon = this.#number(at, COLON, false);
    const end = colon + 1 + Number(latin1(this.#bytes, at, colon));
    if (!(end <= this.#bytes.length)) throw this.mistake('a string that ends within the file', at);
    return end;
  }

  /** Where the digits end that begin at `at`: at `terminator`, without which, or with idle zeros, they are none. */
  #number(at: number, terminator: number, signed: boolean): number {
    const bytes = this.#bytes;
    const first = signed && bytes[at] === MINUS ? at + 1 : at;
    let end = first;
    while (end < bytes.length && (bytes[end] as number) >= ZERO && (bytes[end] as number) <= NINE) end++;
    const idle = bytes[first] === ZERO && (end > first + 1 || first > at);
    if (end === first || idle || bytes[end] !== terminator) {
      throw this.mistake(signed ? 'an integer' : 'a bencoded value', at);
    }
    return end;
  }
}
