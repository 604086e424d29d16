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
      sizeClass: fc.nat({ max: 13 }),
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
      for (const sizeClass of [13, 5, 1, 0]) {
        for (const block of fill(sizeClass, 1 << 15)) slab.free(block, sizeClass);
        slab.repair();
      }
    }
    expect(memory.byteLength).toBe(reserved);
  });

  it('copies and exchanges whole records, across segments too', () => {
    const slab = new RecordSlab(AddressFamily.IPv6, StoreMemory.private(), new NoLocks(), 0);
    const far = Array.from({ length: 300 }, () => slab.alloc(13));
    const a = far[0] as number;
    const b = far[299] as number;
    expect(segmentOf(a)).not.toBe(segmentOf(b));
    const write = (record: number, value: number) => {
      slab.ids[segmentOf(record)]?.fill(value, (record & RECORD_MASK) * 5, (record & RECORD_MASK) * 5 + 5);
      slab.compact[segmentOf(record)]?.fill(
        value,
        (record & RECORD_MASK) * 9,
        (record & RECORD_MASK) * 9 + 9,
      );
      slab.seen[segmentOf(record)]?.fill(value, record & RECORD_MASK, (record & RECORD_MASK) + 1);
    };
    const read = (record: number) => [
      ...(slab.ids[segmentOf(record)]?.subarray((record & RECORD_MASK) * 5, (record & RECORD_MASK) * 5 + 5) ??
        []),
      ...(slab.compact[segmentOf(record)]?.subarray(
        (record & RECORD_MASK) * 9,
        (record & RECORD_MASK) * 9 + 9,
      ) ?? []),
      slab.seen[segmentOf(record)]?.[record & RECORD_MASK],
    ];
    write(a, 7);
    write(b, 9);
    slab.swap(a, b);
    expect(read(a)).toEqual(Array(15).fill(9));
    expect(read(b)).toEqual(Array(15).fill(7));
    slab.copy(b, a + 1, 1);
    expect(read(a + 1)).toEqual(Array(15).fill(7));
  });
});
