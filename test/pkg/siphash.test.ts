import { describe, expect, it } from 'vitest';
import { halfSipHash } from '../../src/pkg/half-siphash.ts';
import { sipHashLow } from '../../src/pkg/siphash.ts';

// Both references publish vectors for a key 00 01 02 … and the messages of 0, 1, 2 … bytes 00 01 02 …; these
// are those of whole words.
const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
const words = new Int32Array(bytes.buffer);

describe('SipHash-2-4', () => {
  it.each([
    [0, 0x726fdb47dd0e0e31n],
    [4, 0xcf2794e0277187b7n],
    [8, 0x93f5f5799a932462n],
    [12, 0x751e8fbc860ee5fbn],
    [16, 0x3f2acc7f57c29bdbn],
    [20, 0xbed65cf21aa2ee98n],
    [24, 0xb8ad50c6f649af94n],
    [28, 0xde4daaaca71dc9a5n],
    [32, 0x7127512f72f27ccen],
  ])('has the published value for %i bytes', (length, mac) => {
    expect(sipHashLow(words, words, length / 4) >>> 0).toBe(Number(mac & 0xffffffffn));
  });
});

describe('HalfSipHash-2-4', () => {
  it.each([
    [0, 0x5b9f35a9],
    [4, 0x89466e2a],
    [8, 0x8f84b8d0],
    [12, 0x2f87f057],
    [16, 0x84acb5d9],
    [20, 0x45104de3],
  ])('has the published value for %i bytes', (length, hash) => {
    const [key0, key1] = words as unknown as [number, number];
    expect(halfSipHash(key0, key1, words, 0, length / 4, 2, 4) >>> 0).toBe(hash);
  });

  it('depends on the key, on every word and on the length', () => {
    const seen = new Set<number>();
    for (let key = 0; key < 10; key++) {
      for (let start = 0; start < 5; start++) {
        for (let count = 0; count < 5; count++) seen.add(halfSipHash(key, 1, words, start, count));
      }
    }
    // Without words there is nothing that `start` could change.
    expect(seen.size).toBe(10 * (5 * 4 + 1));
  });
});
