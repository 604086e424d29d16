import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashIndex, NONE } from '../../../src/storage/memory/hash-index.ts';
import { IntBlocks } from '../../../src/storage/memory/int-blocks.ts';
import { NoLocks } from '../../../src/storage/memory/locks.ts';
import { StoreMemory } from '../../../src/storage/memory/store-memory.ts';

function make(shards: number, pageBits: number): { memory: StoreMemory; index: HashIndex } {
  const memory = StoreMemory.private();
  const blocks = new IntBlocks(memory, new NoLocks(), 0);
  const state = memory.area(1, HashIndex.wordsFor(shards));
  return { memory, index: new HashIndex(blocks, state, pageBits) };
}

/** All values under a hash, sorted. */
function valuesOf(index: HashIndex, shard: number, hash: number): number[] {
  const values: number[] = [];
  for (let value = index.find(shard, hash); value !== NONE; value = index.next()) values.push(value);
  return values.sort((a, b) => a - b);
}

describe('HashIndex', () => {
  it('agrees with a map of lists, whatever is inserted, replaced and removed', () => {
    const step = fc.record({
      kind: fc.constantFrom('insert', 'replace', 'remove'),
      shard: fc.nat({ max: 1 }),
      // Close together, so that pages fill and probes collide.
      hash: fc.oneof(fc.nat({ max: 40 }), fc.integer()),
      value: fc.nat({ max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 600, size: 'max' }), (steps) => {
        const { index } = make(2, 4);
        const model = new Map<string, number[]>();
        for (const { kind, shard, hash, value } of steps) {
          const key = `${shard}:${hash}`;
          const values = model.get(key) ?? [];
          if (kind === 'insert' && values.length < 4) {
            expect(index.insert(shard, hash, value)).toBe(true);
            model.set(key, [...values, value]);
          } else if (values.length > 0) {
            const from = values[value % values.length] as number;
            const others = [...values];
            others.splice(others.indexOf(from), 1);
            if (kind === 'replace') index.replace(shard, hash, from, value);
            else index.remove(shard, hash, from);
            model.set(key, kind === 'replace' ? [...others, value] : others);
          }
        }
        for (const [key, values] of model) {
          const [shard, hash] = key.split(':').map(Number) as [number, number];
          expect(valuesOf(index, shard, hash)).toEqual(values.sort((a, b) => a - b));
        }
      }),
    );
  });

  it('holds a million entries, and gives its memory back with the last', () => {
    const { memory, index } = make(1, 8);
    const hash = (i: number) => Math.imul(i, 0x9e3779b1);
    for (let i = 0; i < 1_000_000; i++) if (!index.insert(0, hash(i), i)) throw new Error(`refused ${i}`);
    const reserved = memory.byteLength;
    for (let i = 0; i < 1_000_000; i += 997) expect(valuesOf(index, 0, hash(i))).toEqual([i]);
    for (let i = 0; i < 1_000_000; i++) index.remove(0, hash(i), i);
    expect(index.find(0, hash(1))).toBe(NONE);
    for (let i = 0; i < 1_000_000; i++) index.insert(0, hash(i), i);
    expect(memory.byteLength).toBe(reserved);
  });

  it('refuses more entries with one hash than a page takes, and stays whole', () => {
    const { index } = make(1, 4);
    let taken = 0;
    while (index.insert(0, 7, taken)) taken++;
    expect(taken).toBe(14);
    expect(valuesOf(index, 0, 7)).toHaveLength(14);
    expect(index.insert(0, 8, 1)).toBe(true);
    expect(valuesOf(index, 0, 8)).toEqual([1]);
  });

  it('says so when it is told to remove what is not there', () => {
    const { index } = make(1, 4);
    index.insert(0, 1, 2);
    expect(() => index.remove(0, 1, 3)).toThrow('no entry');
  });
});
