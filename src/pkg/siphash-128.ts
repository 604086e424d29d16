/**
 * SipHash with 128 bits of output (Aumasson and Bernstein's reference repository). As in siphash.ts its 64-bit words
 * are pairs of 32-bit integers, low word first. With one round a block and three at the end (SipHash-1-3, which Rust
 * and Python hash their tables with) it is what nobody without the key can foresee.
 */

/**
 * Writes the MAC of the first `length` bytes of `words`, as four little-endian words.
 *
 * @param key four little-endian words
 * @param words the message as little-endian words; the rest of its last eight bytes must be 0, and eight of them more
 *   if there is no rest
 * @param rounds a block's rounds and
 * @param finalRounds the closing ones: 1 and 3, or 2 and 4 in the published vectors
 */
export function sipHash128(
  key: Int32Array,
  words: Int32Array,
  length: number,
  mac: Int32Array,
  rounds = 1,
  finalRounds = 3,
): void {
  const k0l = key[0] as number;
  const k0h = key[1] as number;
  const k1l = key[2] as number;
  const k1h = key[3] as number;
  let v0l = k0l ^ 0x70736575;
  let v0h = k0h ^ 0x736f6d65;
  let v1l = k1l ^ 0x6e646f6d ^ 0xee;
  let v1h = k1h ^ 0x646f7261;
  let v2l = k0l ^ 0x6e657261;
  let v2h = k0h ^ 0x6c796765;
  let v3l = k1l ^ 0x79746573;
  let v3h = k1h ^ 0x74656462;
  // The blocks of two words, the last of them with the length in its top byte, and then one finish for each half.
  const blocks = (length >> 3) + 1;
  for (let block = 0; block < blocks + 2; block++) {
    const isMessage = block < blocks;
    const ml = isMessage ? (words[2 * block] as number) : 0;
    let mh = isMessage ? (words[2 * block + 1] as number) : 0;
    if (block === blocks - 1) mh |= length << 24;
    if (block === blocks) v2l ^= 0xee;
    if (block > blocks) v1l ^= 0xdd;
    v3l ^= ml;
    v3h ^= mh;
    for (let round = isMessage ? rounds : finalRounds; round > 0; round--) {
      let t = 0;
      let low = (v0l + v1l) | 0;
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
    if (isMessage) continue;
    const half = 2 * (block - blocks);
    mac[half] = v0l ^ v1l ^ v2l ^ v3l;
    mac[half + 1] = v0h ^ v1h ^ v2h ^ v3h;
  }
}
