import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressFamily } from '../../../src/bittorrent/address-family.ts';
import { NoLocks } from '../../../src/storage/memory/locks.ts';
import { CAPACITIES, RECORD_MASK, RecordSlab, segmentOf } from '../../../src/storage/memory/record-slab.ts';
import { StoreMemory } from '../../../src/storage/memory/store-memory.ts';

describe('RecordSlab', () => {
  it('never hands out a record twice, whatever is taken and given back, and whenever its lists are made anew', () => {
    const step = fc.record({
      take: fc.boolean(),
      repair: fc.boolean(),
      sizeClass: fc.nat({ max: CAPACITIES.length - 1 }),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const slab = new RecordSlab(AddressFamily.IPv4, StoreMemory.private(), new NoLocks(), 0);
        const taken: { block: number; sizeClass: number }[] = [];
        const owner = new Map<number, number>();
        for (const { take, repair, sizeClass, which } of steps) {
          if (repair) slab.repair();
          if (take || taken.length === 0) {
            const block = slab.alloc(sizeClass);
            for (let i = 0; i < (CAPACITIES[sizeClass] as number); i++) {
              expect(owner.has(block + i)).toBe(false);
              owner.set(block + i, block);
            }
            expect(segmentOf(block)).toBe(segmentOf(block + (CAPACITIES[sizeClass] as number) - 1));
            taken.push({ block, sizeClass });
          } else {
            const [given] = taken.splice(which % taken.length, 1) as [{ block: number; sizeClass: number }];
            slab.free(given.block, given.sizeClass);
            for (let i = 0; i < (CAPACITIES[given.sizeClass] as number); i++) owner.delete(given.block + i);
          }
        }
      }),
    );
  });

  it('uses emptied pages for blocks of any size', () => {
    const memory = StoreMemory.private();
    const slab = new RecordSlab(AddressFamily.IPv4, memory, new NoLocks(), 0);
    const fill = (sizeClass: number, records: number) =>
      Array.from({ length: records / (CAPACITIES[sizeClass] as number) }, () => slab.alloc(sizeClass));
    const singles = fill(0, 1 << 15);
    const reserved = memory.byteLength;
    for (const block of singles) slab.free(block, 0);
    for (let round = 0; round < 3; round++) {
      for (const sizeClass of [17, 13, 5, 1, 0]) {
        for (const block of fill(sizeClass, 1 << 15)) slab.free(block, sizeClass);
        slab.repair();
      }
    }
    expect(memory.byteLength).toBe(reserved);
  });

  it.each([AddressFamily.IPv4, AddressFamily.IPv6])(
    'copies and exchanges whole records, across segments too (IPv%d)',
    (family) => {
      const slab = new RecordSlab(family, StoreMemory.private(), new NoLocks(), 0);
      const far = Array.from({ length: 300 }, () => slab.alloc(13));
      const a = far[0] as number;
      const b = far[299] as number;
      expect(segmentOf(a)).not.toBe(segmentOf(b));
      /** The words of a record, in two pieces. */
      const pieces = (record: number) => {
        const of = (arrays: (Int32Array | Uint16Array)[], width: number) =>
          arrays[segmentOf(record)]?.subarray(
            (record & RECORD_MASK) * width,
            ((record & RECORD_MASK) + 1) * width,
          ) ?? expect.fail(`no segment of ${record}`);
        return [of(slab.heads, 6), of(slab.compact, slab.width)];
      };
      const write = (record: number, first: number) => {
        for (const piece of pieces(record)) for (const i of piece.keys()) piece[i] = first++;
      };
      const read = (record: number) => pieces(record).flatMap((piece) => [...piece]);
      const numbers = (first: number) => Array.from({ length: 6 + slab.width }, (_, i) => first + i);
      write(a, 100);
      write(a + 1, 200);
      write(b, 300);
      slab.swap(a, b);
      expect([a, a + 1, b].map(read)).toEqual([300, 200, 100].map(numbers));
      slab.copy(b, a + 1, 1);
      expect([a, a + 1, b].map(read)).toEqual([300, 100, 100].map(numbers));
    },
  );
});
