import { expect, onTestFinished, test } from 'vitest';
import { type Call, cpuSamples } from '../../src/server/profiles/cpu-samples.ts';
import type { HeapNode } from '../../src/server/profiles/profile-source.ts';
import { ThreadProfiler } from '../../src/server/profiles/thread-profiler.ts';

const never = new AbortController().signal;

async function open(): Promise<ThreadProfiler> {
  const profiler = await ThreadProfiler.open();
  onTestFinished(() => profiler.close());
  return profiler;
}

function spendTheTime(milliseconds: number): number {
  let sum = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end; ) sum += Math.sqrt(sum);
  return sum;
}

function stackOf(call: Call | undefined): string[] {
  return call ? [call.frame.functionName, ...stackOf(call.caller)] : [];
}

test('what has run, and for how long', async () => {
  const profiler = await open();
  const taken = profiler.take({ kind: 'cpu', duration: 300, interval: 1_000 }, never);
  setTimeout(() => spendTheTime(100), 50);
  const profile = await taken;
  if (profile.kind !== 'cpu') throw new Error(profile.kind);
  const spent = cpuSamples(profile.profile)
    .filter(({ call }) => stackOf(call).includes('spendTheTime'))
    .reduce((sum, { start, end }) => sum + end - start, 0);
  // On a busy machine samples are late, and what was seen last has the time until the next.
  expect(spent).toBeGreaterThan(50_000);
  expect(spent).toBeLessThanOrEqual(profile.profile.endTime - profile.profile.startTime);
});

test('one that nobody waits for ends at once', async () => {
  const profiler = await open();
  const left = new AbortController();
  const start = performance.now();
  const taken = profiler.take({ kind: 'cpu', duration: 300_000, interval: 5_000 }, left.signal);
  left.abort();
  expect((await taken).kind).toBe('cpu');
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('who has allocated what is still there', async () => {
  const profiler = await open();
  const kept: object[] = [];
  function keepThousands(): void {
    for (let i = 0; i < 1_000_000; i++) kept.push({ i });
  }
  keepThousands();
  const profile = await profiler.take({ kind: 'heap' }, never);
  if (profile.kind !== 'heap') throw new Error(profile.kind);
  const bytes = (node: HeapNode): number =>
    (node.callFrame.functionName === 'keepThousands' ? node.selfSize : 0) +
    node.children.reduce((sum, child) => sum + bytes(child), 0);
  // Some 30 MB, of which one allocation in 512 KiB is seen: a quarter of them at least, but once in 10^12 times.
  expect(bytes(profile.head)).toBeGreaterThan(8_000_000);
  expect(kept).toHaveLength(1_000_000);
});

test('another that ends the sampling of allocations costs one profile', async () => {
  const first = await open();
  (await open()).close();
  await expect(first.take({ kind: 'heap' }, never)).rejects.toThrow(
    'something else ended the sampling of allocations, which begins anew now',
  );
  expect((await first.take({ kind: 'heap' }, never)).kind).toBe('heap');
});
