/** The 20 bytes that name a torrent and its swarm (BEP 3). Kept as bytes; hex is for people and files. */

import { INFOHASH_LENGTH } from './peer.ts';

export class Infohash {
  /** 20 bytes. */
  readonly bytes: Uint8Array;
  /** The same memory as five native-endian words, for stores that hash and compare. */
  readonly words: Int32Array;

  constructor() {
    const buffer = new ArrayBuffer(INFOHASH_LENGTH);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
  }

  /** Copies the 20 bytes at `offset`. */
  set(source: Uint8Array, offset: number): void {
    const { bytes } = this;
    for (let i = 0; i < INFOHASH_LENGTH; i++) bytes[i] = source[offset + i] as number;
  }

  /** Copies the five words at `at`, which are in the machine's order as they lie: a third of the time that bytes take. */
  setWords(source: Int32Array, at: number): void {
    const { words } = this;
    words[0] = source[at] as number;
    words[1] = source[at + 1] as number;
    words[2] = source[at + 2] as number;
    words[3] = source[at + 3] as number;
    words[4] = source[at + 4] as number;
  }

  /** 40 lower-case digits. Formats a string: not for the hot path. */
  get hex(): string {
    return Buffer.from(this.bytes).toString('hex');
  }

  /** @throws RangeError if `hex` is not 40 hexadecimal digits */
  static fromHex(hex: string): Infohash {
    if (!/^[0-9a-f]{40}$/i.test(hex)) {
      throw new RangeError(`expected an infohash of 40 hexadecimal digits, found "${hex}"`);
    }
    const infohash = new Infohash();
    infohash.set(Buffer.from(hex, 'hex'), 0);
    return infohash;
  }
}
