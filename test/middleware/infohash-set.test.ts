import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { InfohashSet } from '../../src/bittorrent/infohash-set.ts';
import { someInfohash } from '../support/requests.ts';

/** Infohashes that differ in few bytes, zero among them: what hashing badly would confuse. */
const infohash = fc
  .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 20, maxLength: 20 })
  .map((bytes) => Infohash.fromHex(Buffer.from(bytes).toString('hex')));

describe('InfohashSet', () => {
  it('agrees with a Set of strings', () => {
    fc.assert(
      fc.property(fc.array(infohash), fc.array(infohash), (members, others) => {
        const set = new InfohashSet(members.length);
        for (const member of members) set.add(member);
        const oracle = new Set(members.map(({ hex }) => hex));
        expect(set.size).toBe(oracle.size);
        for (const asked of [...members, ...others]) expect(set.has(asked)).toBe(oracle.has(asked.hex));
      }),
    );
  });

  it('holds nothing when it is made for nothing', () => {
    const set = InfohashSet.fromHex([]);
    expect(set.has(Infohash.fromHex('0'.repeat(40)))).toBe(false);
    expect(() => set.add(someInfohash(1))).toThrow('a set of 0 infohashes is full');
  });

  it('holds a million in at most 40 bytes each, and finds every one', () => {
    const count = 1_000_000;
    const key = new Infohash();
    // Consecutive numbers in two words: neither random nor spread, as a made-up list may be.
    const at = (i: number): Infohash => {
      key.words[1] = i;
      key.words[4] = i * 7919;
      return key;
    };
    const before = process.memoryUsage().arrayBuffers;
    const set = new InfohashSet(count);
    for (let i = 0; i < count; i++) set.add(at(i));
    const bytes = process.memoryUsage().arrayBuffers - before;
    expect(bytes / count).toBeLessThan(40);
    // It does hold them: 20 bytes each at least.
    expect(bytes / count).toBeGreaterThan(20);
    expect(set.size).toBe(count);
    let found = 0;
    for (let i = 0; i < 2 * count; i++) if (set.has(at(i))) found++;
    expect(found).toBe(count);
  });
});
