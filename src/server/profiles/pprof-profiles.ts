/** Profiles of all threads as one in pprof's format. */

import { CallNames } from './call-names.ts';
import { type Call, samplesOf } from './cpu-samples.ts';
import { PprofBuilder } from './pprof-builder.ts';
import type { HeapNode, NamedOutcome } from './profile-source.ts';

/** The time that each call was on the processor. @param interval between samples, in microseconds */
export async function pprofOfCpu(
  outcomes: readonly NamedOutcome[],
  interval: number,
  startedAt: number,
  milliseconds: number,
): Promise<Uint8Array> {
  const threads = outcomes.map((each) => ({ thread: each.thread, samples: samplesOf(each) }));
  const calls = threads.flatMap(({ samples }) => samples.map(({ call }) => call));
  const builder = new PprofBuilder(await CallNames.of(calls), [
    { type: 'samples', unit: 'count' },
    { type: 'cpu', unit: 'nanoseconds' },
  ]);
  for (const { thread, samples } of threads) {
    const sums = new Map<Call, { count: number; microseconds: number }>();
    for (const { call, start, end } of samples) {
      const sum = sums.get(call) ?? { count: 0, microseconds: 0 };
      sum.count++;
      sum.microseconds += end - start;
      sums.set(call, sum);
    }
    for (const [call, { count, microseconds }] of sums) {
      builder.add(thread, call, [count, Math.round(microseconds * 1000)]);
    }
  }
  tellMissing(outcomes, builder);
  return builder.encode(interval * 1000, startedAt, milliseconds);
}

/** What was allocated and is still in use on V8's heaps, by the call that allocated it. */
export async function pprofOfHeap(
  outcomes: readonly NamedOutcome[],
  interval: number,
  startedAt: number,
): Promise<Uint8Array> {
  const threads = outcomes.map(({ thread, outcome }) => ({ thread, allocations: allocationsOf(outcome) }));
  const calls = threads.flatMap(({ allocations }) => allocations.map(({ call }) => call));
  const builder = new PprofBuilder(await CallNames.of(calls), [{ type: 'inuse_space', unit: 'bytes' }]);
  for (const { thread, allocations } of threads) {
    for (const { call, bytes } of allocations) builder.add(thread, call, [bytes]);
  }
  tellMissing(outcomes, builder);
  return builder.encode(interval, startedAt, 0);
}

function tellMissing(outcomes: readonly NamedOutcome[], builder: PprofBuilder): void {
  for (const { thread, outcome } of outcomes) {
    if ('missing' in outcome) builder.comment(`${thread} is missing: ${outcome.missing}`);
  }
}

interface Allocation {
  readonly call: Call;
  readonly bytes: number;
}

function allocationsOf(outcome: NamedOutcome['outcome']): Allocation[] {
  if (!('profile' in outcome) || outcome.profile.kind !== 'heap') return [];
  const found: Allocation[] = [];
  const visit = (node: HeapNode, caller: Call | undefined): void => {
    const call = { frame: node.callFrame, caller };
    if (node.selfSize > 0) found.push({ call, bytes: node.selfSize });
    for (const child of node.children) visit(child, call);
  };
  for (const child of outcome.profile.head.children) visit(child, undefined);
  return found;
}
