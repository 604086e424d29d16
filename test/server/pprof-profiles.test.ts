/** Profiles as V8 gives them, and what pprof and trace viewers read in their place. */

import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { chromeTrace } from '../../src/server/profiles/chrome-trace.ts';
import { pprofOfCpu, pprofOfHeap } from '../../src/server/profiles/pprof-profiles.ts';
import type { CpuProfile, HeapNode, NamedOutcome } from '../../src/server/profiles/profile-source.ts';
import { readPprof } from '../support/pprof.ts';

function frame(functionName: string, url = '', lineNumber = -1) {
  return { functionName, scriptId: '7', url, lineNumber, columnNumber: lineNumber < 0 ? -1 : 4 };
}

const HOOK = 'file:///etc/chihaya/hooks/ban-list.mjs';
const PACKAGE = 'file:///srv/node_modules/prom-client/lib/registry.js';

/** 10 ms: listen ─▶ check for 1 and 2 ms, waiting for 3, (anonymous) for 4. */
const CPU: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 5] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('listen', 'node:net', 9), children: [4] },
    { id: 4, callFrame: frame('check', HOOK, 19) },
    { id: 5, callFrame: frame('', PACKAGE, 29) },
  ],
  startTime: 1_000_000,
  endTime: 1_010_000,
  samples: [4, 4, 2, 5],
  timeDeltas: [0, 1_000, 2_000, 3_000],
};

function cpu(thread: string): NamedOutcome {
  return { thread, outcome: { profile: { kind: 'cpu', profile: CPU } } };
}

const STARTED = Date.UTC(2026, 0, 2, 3, 4, 5);

test('a processor profile: stacks, times, threads, and who is missing', async () => {
  const missing = { thread: 'worker 2', outcome: { missing: 'it ended' } };
  const bytes = await pprofOfCpu([cpu('supervisor'), cpu('worker 1'), missing], 1_000, STARTED, 10);
  const profile = readPprof(bytes);
  expect(profile).toMatchObject({
    types: ['samples/count', 'cpu/nanoseconds'],
    period: 1_000_000,
    timeNanos: BigInt(STARTED) * 1_000_000n,
    durationNanos: 10_000_000,
    comments: ['worker 2 is missing: it ended'],
  });
  const samples = (thread: string) => [
    {
      thread,
      values: [2, 3_000_000],
      stack: [
        { name: 'ban-list.check', file: '/etc/chihaya/hooks/ban-list.mjs', line: 20 },
        { name: 'node:net.listen', file: 'node:net', line: 10 },
      ],
    },
    {
      thread,
      values: [1, 4_000_000],
      stack: [
        {
          name: 'prom-client/lib/registry.(anonymous:30)',
          file: '/srv/node_modules/prom-client/lib/registry.js',
          line: 30,
        },
      ],
    },
  ];
  expect(profile.samples).toEqual([...samples('supervisor'), ...samples('worker 1')]);
});

test('a heap profile', async () => {
  const node = (name: string, selfSize: number, children: HeapNode[] = []): HeapNode => ({
    callFrame: frame(name, HOOK, 1),
    selfSize,
    children,
  });
  const head = node('(root)', 0, [node('load', 1_000, [node('parse', 500_000)]), node('idle', 0)]);
  const bytes = await pprofOfHeap(
    [{ thread: 'main', outcome: { profile: { kind: 'heap', head } } }],
    524_288,
    STARTED,
  );
  const profile = readPprof(bytes);
  expect(profile.types).toEqual(['inuse_space/bytes']);
  expect(profile.samples.map(({ values, stack }) => [values, stack.map(({ name }) => name)])).toEqual([
    [[1_000], ['ban-list.load']],
    [[500_000], ['ban-list.parse', 'ban-list.load']],
  ]);
});

test('a trace: one call over several samples, one after a pause is another', async () => {
  const profile: CpuProfile = {
    ...CPU,
    // listen ─▶ check, listen, waiting, listen.
    samples: [4, 3, 2, 3],
  };
  const outcome = { profile: { kind: 'cpu' as const, profile } };
  const json = gunzipSync(
    await chromeTrace([
      { thread: 'supervisor', outcome: { missing: 'it did not answer' } },
      { thread: 'worker 1', outcome },
    ]),
  ).toString();
  const call = (name: string, at: string, ts: number, dur: number) => ({
    name,
    ph: 'X',
    pid: 1,
    tid: 1,
    ts,
    dur,
    args: { at },
  });
  expect(JSON.parse(json)).toEqual({
    traceEvents: [
      { name: 'process_name', ph: 'M', pid: 1, args: { name: 'chihaya' } },
      {
        name: 'thread_name',
        ph: 'M',
        pid: 1,
        tid: 0,
        args: { name: 'supervisor is missing: it did not answer' },
      },
      { name: 'thread_name', ph: 'M', pid: 1, tid: 1, args: { name: 'worker 1' } },
      call('ban-list.check', '/etc/chihaya/hooks/ban-list.mjs:20', 1_000_000, 1_000),
      call('node:net.listen', 'node:net:10', 1_000_000, 3_000),
      call('node:net.listen', 'node:net:10', 1_006_000, 4_000),
    ],
  });
});
