import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fingerprint } from '../../src/pkg/fingerprint.ts';
import { FingerprintSet } from '../../src/pkg/fingerprint-set.ts';
import { FingerprintSetWriter } from '../../src/pkg/fingerprint-set-writer.ts';

const KEY = Int32Array.of(1, -2, 3, -4);
const maker = new Fingerprint(KEY, 20);

/** The fingerprint of a number; valid until the next call. */
function numbered(i: number): Int32Array {
  maker.input[0] = i;
  maker.make(4);
  return maker.words;
}

function fingerprintOf(text: string): Int32Array {
  maker.bytes.set(Buffer.from(text));
  maker.make(text.length);
  return maker.words.slice();
}

function replace(set: FingerprintSet, fingerprints: Iterable<Int32Array>): void {
  const writer = new FingerprintSetWriter(set);
  for (const each of fingerprints) writer.add(each);
  for (const _ of writer.finish());
}

describe('Fingerprint', () => {
  it('depends on the key, on every byte and on the length, and not on what lay there before', () => {
    const texts = ['', 'a', 'b', 'aa', 'a\0', '12345678', '123456789', 'x'.repeat(19), 'x'.repeat(20)];
    const seen = new Set(texts.map((text) => fingerprintOf(text).join()));
    expect(seen.size).toBe(texts.length);
    for (const text of texts) {
      maker.bytes.fill(0xff);
      expect(seen).toContain(fingerprintOf(text).join());
    }
    const other = new Fingerprint(Int32Array.of(1, -2, 3, 4), 20);
    other.bytes.set(Buffer.from('a'));
    other.make(1);
    expect(seen).not.toContain(other.words.join());
  });
});

describe('FingerprintSet', () => {
  it('agrees with a Set of strings, each time it is replaced', () => {
    const texts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 }), { maxLength: 200 });
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 4 }), texts, (versions, others) => {
        const set = FingerprintSet.create(Math.max(0, ...versions.map(({ length }) => length)));
        const elsewhere = FingerprintSet.open(set.memory.buffer);
        for (const members of versions) {
          replace(set, members.map(fingerprintOf));
          const oracle = new Set(members);
          expect(elsewhere.size).toBe(oracle.size);
          for (const asked of [...versions.flat(), ...others])
            expect(elsewhere.has(fingerprintOf(asked))).toBe(oracle.has(asked));
        }
      }),
    );
  });

  it('stays what it was until it is finished, and if it never is', () => {
    const set = FingerprintSet.create(10);
    replace(set, ['a', 'b'].map(fingerprintOf));
    const given = (): boolean[] => ['a', 'b', 'c'].map((text) => set.has(fingerprintOf(text)));
    const abandoned = new FingerprintSetWriter(set);
    for (let i = 0; i < 10; i++) abandoned.add(numbered(i));
    abandoned.finish().next();
    expect(given()).toEqual([true, true, false]);
    const writer = new FingerprintSetWriter(set);
    writer.add(fingerprintOf('c'));
    const steps = writer.finish();
    steps.next();
    expect(given()).toEqual([true, true, false]);
    for (const _ of steps);
    expect(given()).toEqual([false, false, true]);
    expect(set.size).toBe(1);
  });

  it('holds nothing when it is made for nothing, and no more than it was made for', () => {
    const set = FingerprintSet.create(0);
    expect(set.has(fingerprintOf('a'))).toBe(false);
    expect(() => new FingerprintSetWriter(set).add(fingerprintOf('a'))).toThrow(
      'a set of 0 fingerprints is full',
    );
  });

  it('holds a million, and their replacements, in less than 48 MB', { timeout: 120_000 }, () => {
    const count = 1_000_000;
    const set = FingerprintSet.create(count);
    expect(set.memory.buffer.byteLength).toBeLessThan(48e6);
    for (const first of [0, count / 2]) {
      replace(
        set,
        (function* () {
          for (let i = first; i < first + count; i++) yield numbered(i);
        })(),
      );
      expect(set.size).toBe(count);
      let found = 0;
      for (let i = 0; i < 2 * count; i++) if (set.has(numbered(i))) found++;
      expect(found).toBe(count);
      expect([first - 1, first, first + count - 1, first + count].map((i) => set.has(numbered(i)))).toEqual([
        false,
        true,
        true,
        false,
      ]);
    }
  });

  it('takes one entry a million times without filling line after line', () => {
    const count = 1_000_000;
    const set = FingerprintSet.create(count);
    const one = fingerprintOf('one');
    const start = performance.now();
    replace(set, Array(count).fill(one));
    // It would be minutes.
    expect(performance.now() - start).toBeLessThan(10_000);
    expect([set.size, set.has(one)]).toEqual([1, true]);
  });

  it('never misleads threads that look things up while it is replaced', { timeout: 30_000 }, async () => {
    const always = ['a', 'b', 'c'].map(fingerprintOf);
    const never = ['d', 'e', 'f'].map(fingerprintOf);
    const set = FingerprintSet.create(20_000);
    replace(set, always);
    const stop = new SharedArrayBuffer(4);
    const threads = await Promise.all(
      [1, 2].map(async () => {
        const thread = new Worker(new URL('../support/fingerprint-set-thread.js', import.meta.url), {
          workerData: { buffer: set.memory.buffer, always, never, stop },
        });
        await once(thread, 'message');
        return thread;
      }),
    );
    // Without a pause between two versions, and of very different sizes: worse than any source does.
    for (let version = 0; version < 400; version++) {
      const size = 1 + ((version * 7919) % 15_000);
      const writer = new FingerprintSetWriter(set);
      for (let i = 0; i < size; i++) writer.add(numbered(1000 + i * (version + 1)));
      for (const each of always) writer.add(each);
      for (const _ of writer.finish());
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
