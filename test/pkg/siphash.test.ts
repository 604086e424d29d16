import { describe, expect, it } from 'vitest';
import { halfSipHash } from '../../src/pkg/half-siphash.ts';
import { sipHashLow } from '../../src/pkg/siphash.ts';
import { sipHash128 } from '../../src/pkg/siphash-128.ts';

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

describe('SipHash-2-4 of 128 bits', () => {
  it.each([
    [0, 'a3817f04ba25a8e66df67214c7550293'],
    [1, 'da87c1d86b99af44347659119b22fc45'],
    [7, 'a1f1ebbed8dbc153c0b84aa61ff08239'],
    [8, '3b62a9ba6258f5610f83e264f31497b4'],
    [9, '264499060ad9baabc47f8b02bb6d71ed'],
    [15, '5493e99933b0a8117e08ec0f97cfc3d9'],
    [16, '6ee2a4ca67b054bbfd3315bf85230577'],
    [32, '7c3956ca5eeafc3e363e9d556546eb68'],
    [33, '77c6077146f01c32b6b69d5f4ea9ffcf'],
    [63, '5150d1772f50834a503e069a973fbd7c'],
  ])('has the published value for %i bytes', (length, mac) => {
    const message = new Uint8Array(72);
    message.set(bytes.subarray(0, length));
    const words128 = new Int32Array(4);
    sipHash128(words, new Int32Array(message.buffer), length, words128, 2, 4);
    expect(Buffer.from(words128.buffer).toString('hex')).toBe(mac);
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
