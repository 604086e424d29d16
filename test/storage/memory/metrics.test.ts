/** What the memory store counts of its own, in either kind of memory. */

import { describe, expect, onTestFinished, test } from 'vitest';
import type { Metric } from '../../../src/pkg/metrics.ts';
import { registerStoreMetrics } from '../../../src/storage/memory/metrics.ts';
import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { someInfohash } from '../../support/requests.ts';
import { peer } from '../../support/store-calls.ts';

describe.each([false, true])('the memory store (shared: %s)', (shared) => {
  function setUp() {
    const clock = new ManualClock();
    const store = MemoryPeerStore.create({ shardCount: 4, clock, shared });
    onTestFinished(() => store.stop());
    const metrics = new Map<string, Metric>();
    registerStoreMetrics(store, { register: (metric) => void metrics.set(metric.name, metric) });
    const samples = (name: string) => metrics.get(`chihaya_storage_${name}`)?.collect() ?? [];
    const value = (name: string) => samples(name)[0]?.value;
    const fill = (swarm: number, size: number, family: 4 | 6 = 4) => {
      for (let i = 0; i < size; i++) store.putLeecher(someInfohash(swarm), peer(i, family));
    };
    return { clock, store, samples, value, fill };
  }

  test('snatches, each peer of a swarm once, stay when the swarm goes', async () => {
    const { clock, store, value } = setUp();
    expect(value('snatches_total')).toBe(0);
    for (const family of [4, 6] as const) {
      for (const of of [1, 1, 2]) store.graduateLeecher(someInfohash(0), peer(of, family));
    }
    expect(value('snatches_total')).toBe(4);
    await store.collectGarbage(clock.now() + 2_000);
    clock.advance(10_000);
    await store.collectGarbage(clock.now());
    expect(store.totals().infohashes).toBe(0);
    expect(value('snatches_total')).toBe(4);
  });

  test('bytes in use', () => {
    const { store, value, fill } = setUp();
    expect(value('used_bytes')).toBe(0);
    fill(1, 3);
    expect(value('used_bytes')).toBe(64 + 3 * 30);
    fill(2, 2, 6);
    expect(value('used_bytes')).toBe(64 + 3 * 30 + 64 + 2 * 42);
    for (let i = 0; i < 3; i++) store.deleteLeecher(someInfohash(1), peer(i));
    expect(value('used_bytes')).toBe(64 + 2 * 42);
    expect(store.byteLength).toBeGreaterThan(100_000);
  });

  test('swarms by size, as a collection leaves them', async () => {
    const { clock, store, samples, fill } = setUp();
    expect(samples('swarms')).toEqual([]);
    fill(1, 1);
    fill(2, 9);
    fill(3, 10);
    fill(4, 150);
    // Of the last, 1,000 announce too long ago.
    fill(5, 1_050);
    clock.advance(60_000);
    for (let i = 1_000; i < 1_050; i++) store.putLeecher(someInfohash(5), peer(i));
    for (const [swarm, size] of [
      [1, 1],
      [2, 9],
      [3, 10],
      [4, 150],
    ] as const)
      fill(swarm, size);
    fill(6, 2_000, 6);
    await store.collectGarbage(clock.now() - 30_000);
    expect(samples('swarms').map(({ labels, value }) => [labels.peers, value])).toEqual([
      ['1-9', 2],
      ['10-99', 2],
      ['100-999', 1],
      ['1000-9999', 1],
      ['10000-99999', 0],
      ['100000+', 0],
    ]);
    clock.advance(60_000);
    await store.collectGarbage(clock.now());
    expect(samples('swarms').every(({ value }) => value === 0)).toBe(true);
  });

  test('slices of collections, and how long they waited', async () => {
    const { clock, store, value, fill } = setUp();
    expect(value('gc_slices_total')).toBe(0);
    expect(value('gc_longest_slice_seconds')).toBeUndefined();
    for (let swarm = 0; swarm < 50; swarm++) fill(swarm, 2_000);
    const busy = setInterval(() => {
      for (const end = performance.now() + 5; performance.now() < end; );
    });
    const start = performance.now();
    await store.collectGarbage(clock.now() - 30_000);
    const took = (performance.now() - start) / 1000;
    clearInterval(busy);
    const figures = ['slices_total', 'slice_seconds_total', 'wait_seconds_total'].map((name) =>
      value(`gc_${name}`),
    ) as [number, number, number];
    // Two families, and so many peers that one slice is not enough.
    expect(figures[0]).toBeGreaterThan(2);
    expect(figures[1] + figures[2]).toBeLessThanOrEqual(took);
    expect(figures[1] + figures[2]).toBeGreaterThan(took * 0.5);
    expect(value('gc_longest_slice_seconds')).toBeLessThanOrEqual(figures[1]);
    // A slice has a quarter of a millisecond.
    expect(value('gc_longest_slice_seconds')).toBeGreaterThanOrEqual(0.00025);
    expect(value('gc_longest_wait_seconds')).toBeGreaterThanOrEqual(0.004);
    const [slices] = figures;
    await store.collectGarbage(clock.now() - 30_000);
    expect(value('gc_slices_total')).toBeGreaterThan(slices);
  });
});
