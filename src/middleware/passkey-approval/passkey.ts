/**
 * What a passkey is, and how one is looked up: by a MAC under a key of this process, never by itself. So keys do not
 * lie about in memory that is read for every request, nobody outside can tell where in the list a key would lie, and
 * the work is the same for a good key and a bad one.
 */

import { sipHash128 } from '../../pkg/siphash-128.ts';

/** Bytes. A guess has to be hopeless, and the work for a bad key small. */
const SHORTEST = 8;
export const SHORTEST_PASSKEY = SHORTEST;
const LONGEST = 64;

/** For messages: what is expected. */
export const PASSKEY = `a passkey of ${SHORTEST} to ${LONGEST} letters, digits, "-", ".", "_" and "~"`;

/** Bytes that need no escape in a URL (RFC 3986, unreserved). */
const UNRESERVED = new Uint8Array(256);
for (const byte of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')) {
  UNRESERVED[byte] = 1;
}

export function isPasskey(text: Uint8Array, start = 0, end = text.length): boolean {
  if (end - start < SHORTEST || end - start > LONGEST) return false;
  for (let i = start; i < end; i++) if (UNRESERVED[text[i] as number] === 0) return false;
  return true;
}

/** Makes digests of passkeys, one after another. */
export class PasskeyDigest {
  /** Where a passkey is written; there is more room than the longest one needs. */
  readonly bytes = new Uint8Array(LONGEST + 8);
  /** The digest made last. */
  readonly words = new Int32Array(4);
  readonly #key: Int32Array;
  readonly #message = new Int32Array(this.bytes.buffer);

  /** @param key four words, the same for all that are to make the same digests */
  constructor(key: Int32Array) {
    this.#key = key;
  }

  /**
   * Makes the digest of the first `length` bytes, which may be more than there was room for.
   *
   * @returns false if no passkey has that length
   */
  make(length: number): boolean {
    if (length < SHORTEST || length > LONGEST) return false;
    for (let i = length; i <= (length | 7); i++) this.bytes[i] = 0;
    sipHash128(this.#key, this.#message, length, this.words);
    return true;
  }
}
