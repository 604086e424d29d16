import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DigestSet } from '../../src/pkg/digest-set.ts';
import { DigestSetWriter } from '../../src/pkg/digest-set-writer.ts';

const WORDS = 5;

/** Digests that differ in few words, zero among them: what hashing badly would confuse. */
const digest = fc
  .array(fc.constantFrom(0, 0, 0, 1, -1), { minLength: WORDS, maxLength: WORDS })
  .map((words) => Int32Array.from(words));

/** Neither random nor spread, as a made-up list may be. */
function numbered(i: number, into = new Int32Array(WORDS)): Int32Array {
  into[1] = i;
  into[4] = Math.imul(i, 7919);
  return into;
}

function replace(set: DigestSet, digests: Iterable<Int32Array>): void {
  const writer = new DigestSetWriter(set);
  for (const each of digests) writer.add(each);
  for (const _ of writer.finish());
}

describe('DigestSet', () => {
  it('agrees with a Set of strings, each time it is replaced', () => {
    fc.assert(
      fc.property(fc.array(fc.array(digest), { maxLength: 4 }), fc.array(digest), (versions, others) => {
        const set = DigestSet.create(WORDS, Math.max(0, ...versions.map(({ length }) => length)));
        const elsewhere = DigestSet.open(set.memory.buffer);
        for (const members of versions) {
          replace(set, members);
          expect(elsewhere.size).toBe(members.length);
          const oracle = new Set(members.map(String));
          for (const asked of [...versions.flat(), ...others])
            expect(elsewhere.has(asked)).toBe(oracle.has(String(asked)));
        }
      }),
    );
  });

  it('stays what it was until it is finished, and if it never is', () => {
    const set = DigestSet.create(WORDS, 10);
    replace(set, [numbered(1), numbered(2)]);
    const given = (): boolean[] => [1, 2, 3].map((i) => set.has(numbered(i)));
    const abandoned = new DigestSetWriter(set);
    for (let i = 3; i < 10; i++) abandoned.add(numbered(i));
    expect(given()).toEqual([true, true, false]);
    const writer = new DigestSetWriter(set);
    writer.add(numbered(3));
    const steps = writer.finish();
    steps.next();
    expect(given()).toEqual([true, true, false]);
    for (const _ of steps);
    expect(given()).toEqual([false, false, true]);
    expect(set.size).toBe(1);
  });

  it('holds nothing when it is made for nothing, and no more than it was made for', () => {
    const set = DigestSet.create(WORDS, 0);
    expect(set.has(new Int32Array(WORDS))).toBe(false);
    expect(() => new DigestSetWriter(set).add(numbered(1))).toThrow('a set of 0 digests is full');
  });

  it('holds a million twenty-byte digests, and their replacements, in less than 48 MB, and finds every one', () => {
    const count = 1_000_000;
    const key = new Int32Array(WORDS);
    const set = DigestSet.create(WORDS, count);
    expect(set.memory.buffer.byteLength).toBeLessThan(48e6);
    for (const first of [0, count / 2]) {
      replace(
        set,
        (function* () {
          for (let i = first; i < first + count; i++) yield numbered(i, key);
        })(),
      );
      expect(set.size).toBe(count);
      let found = 0;
      for (let i = 0; i < 2 * count; i++) if (set.has(numbered(i, key))) found++;
      expect(found).toBe(count);
      expect([first - 1, first, first + count - 1, first + count].map((i) => set.has(numbered(i)))).toEqual([
        false,
        true,
        true,
        false,
      ]);
    }
  });

  it('never misleads threads that look things up while it is replaced', { timeout: 30_000 }, async () => {
    const always = [10, 20, 30].map((i) => numbered(i));
    const never = [-1, -2, -3].map((i) => numbered(i));
    const set = DigestSet.create(WORDS, 20_000);
    replace(set, always);
    const stop = new SharedArrayBuffer(4);
    const threads = await Promise.all(
      [1, 2].map(async () => {
        const thread = new Worker(new URL('../support/digest-set-thread.js', import.meta.url), {
          workerData: { buffer: set.memory.buffer, always, never, stop },
        });
        await once(thread, 'message');
        return thread;
      }),
    );
    // Without a pause between two versions, and of very different sizes: worse than any source does.
    for (let version = 0; version < 400; version++) {
      const size = 1 + ((version * 7919) % 15_000);
      const others = Array.from({ length: size }, (_, i) => numbered(1000 + i * (version + 1)));
      replace(set, [...others, ...always]);
    }
    const outcomes = threads.map((thread) => once(thread, 'message'));
    Atomics.store(new Int32Array(stop), 0, 1);
    for (const [outcome] of await Promise.all(outcomes)) {
      expect(outcome).toEqual({ lookups: expect.any(Number), faults: 0 });
      expect(outcome.lookups).toBeGreaterThan(10_000);
    }
    await Promise.all(threads.map((thread) => thread.terminate()));
  });
});
