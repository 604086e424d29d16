/**
 * HalfSipHash (Aumasson and Bernstein's reference repository): SipHash on 32-bit words, with a 64-bit key
 * and 32-bit output. With one round a word and three at the end (HalfSipHash-1-3, Linux's `hsiphash`) it
 * places keys in hash tables: nobody who does not know the key can make keys that collide.
 *
 * One function and one loop: spread over methods it took 40 ns for five words, as it stands 11.
 */

/**
 * Hashes the `count` little-endian words from `start` on: a message of `4 * count` bytes.
 *
 * @param rounds a word's rounds and
 * @param finalRounds the closing ones: 1 and 3 for tables, 2 and 4 in the published vectors
 * @returns a signed 32-bit integer
 */
export function halfSipHash(
  key0: number,
  key1: number,
  words: Int32Array,
  start: number,
  count: number,
  rounds = 1,
  finalRounds = 3,
): number {
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  for (let i = 0; i <= count + 1; i++) {
    // The words, then the length in the top byte of one more, then the finish.
    const word = i < count ? (words[start + i] as number) : i === count ? count << 26 : 0;
    if (i > count) v2 ^= 0xff;
    v3 ^= word;
    for (let round = i > count ? finalRounds : rounds; round > 0; round--) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  return v1 ^ v3;
}
