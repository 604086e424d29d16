/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a message authentication code made for short messages, with a
 * 128-bit key. Its 64-bit words are pairs of 32-bit integers here, low word first, which V8 adds and
 * rotates without allocating. The carry of an addition is worked out of its top bits: compared and branched upon,
 * as no processor can foresee it, it took three times as long.
 */

/**
 * The low 32 bits of the MAC, that is its first four bytes, of a message of `4 * count` bytes.
 *
 * @param key four little-endian words
 * @param words the message as little-endian words
 * @returns a signed 32-bit integer
 */
export function sipHashLow(key: Int32Array, words: Int32Array, count: number): number {
  const k0l = key[0] as number;
  const k0h = key[1] as number;
  const k1l = key[2] as number;
  const k1h = key[3] as number;
  let v0l = k0l ^ 0x70736575;
  let v0h = k0h ^ 0x736f6d65;
  let v1l = k1l ^ 0x6e646f6d;
  let v1h = k1h ^ 0x646f7261;
  let v2l = k0l ^ 0x6e657261;
  let v2h = k0h ^ 0x6c796765;
  let v3l = k1l ^ 0x79746573;
  let v3h = k1h ^ 0x74656462;
  let low = 0;
  // The blocks of two words, the last of them with the length in its top byte, and then the finish.
  const blocks = (count >> 1) + 1;
  for (let block = 0; block <= blocks; block++) {
    const ml = block < blocks && 2 * block < count ? (words[2 * block] as number) : 0;
    const odd = block < blocks && 2 * block + 1 < count ? (words[2 * block + 1] as number) : 0;
    const mh = block === blocks - 1 ? count << 26 : odd;
    if (block === blocks) v2l ^= 0xff;
    v3l ^= ml;
    v3h ^= mh;
    for (let round = block === blocks ? 4 : 2; round > 0; round--) {
      let t = 0;
      low = (v0l + v1l) | 0;
      v0h = (v0h + v1h + (((v0l & v1l) | ((v0l | v1l) & ~low)) >>> 31)) | 0;
      v0l = low;
      t = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
      v1l = t;
      t = v0l;
      v0l = v0h;
      v0h = t;
      low = (v2l + v3l) | 0;
      v2h = (v2h + v3h + (((v2l & v3l) | ((v2l | v3l) & ~low)) >>> 31)) | 0;
      v2l = low;
      t = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = t;
      low = (v0l + v3l) | 0;
      v0h = (v0h + v3h + (((v0l & v3l) | ((v0l | v3l) & ~low)) >>> 31)) | 0;
      v0l = low;
      t = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = t;
      low = (v2l + v1l) | 0;
      v2h = (v2h + v1h + (((v2l & v1l) | ((v2l | v1l) & ~low)) >>> 31)) | 0;
      v2l = low;
      t = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
      v1l = t;
      t = v2l;
      v2l = v2h;
      v2h = t;
    }
    v0l ^= ml;
    v0h ^= mh;
  }
  return v0l ^ v1l ^ v2l ^ v3l;
}
