/**
 * What each thread did when, as a trace that Perfetto, chrome://tracing and speedscope show: one track a thread, on it
 * the calls, from the processor profile. Calls are seen where a sample fell into them, and no shorter than the distance
 * of samples; one that goes on over several samples is one call.
 *
 *     samples   a b    a b    a b c   a d          (bottom first)
 *     calls     a──────────────────────────┐
 *               b───────────────────┐ d────┘
 *                             c─────┘
 */

import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { CallNames } from './call-names.ts';
import { type Call, type CpuSample, samplesOf, stackOf } from './cpu-samples.ts';
import type { NamedOutcome } from './profile-source.ts';

interface OpenCall {
  readonly call: Call;
  readonly start: number;
}

/** Compressed JSON. */
export async function chromeTrace(outcomes: readonly NamedOutcome[]): Promise<Uint8Array> {
  const packed: Buffer[] = [];
  const stream = createGzip();
  stream.on('data', (chunk: Buffer) => packed.push(chunk));
  const packing = once(stream, 'end');
  // What waits to be compressed is bounded, and the thread serves in between.
  const write = async (text: string) => {
    if (!stream.write(text)) await once(stream, 'drain');
  };
  const program = event({ name: 'process_name', ph: 'M', pid: 1, args: { name: 'chihaya' } });
  await write(`{"traceEvents":[\n${program}`);
  for (const [tid, each] of outcomes.entries()) {
    const { thread, outcome } = each;
    const name = 'missing' in outcome ? `${thread} is missing: ${outcome.missing}` : thread;
    await write(`,\n${event({ name: 'thread_name', ph: 'M', pid: 1, tid, args: { name } })}`);
    const samples = samplesOf(each);
    const names = await CallNames.of(samples.map(({ call }) => call));
    for (const line of callEvents(samples, names, tid)) await write(`,\n${line}`);
  }
  stream.end('\n]}\n');
  await packing;
  return Buffer.concat(packed);
}

function* callEvents(samples: readonly CpuSample[], names: CallNames, tid: number): Iterable<string> {
  const open: OpenCall[] = [];
  let before = 0;
  for (const { call, start, end } of samples) {
    const stack = stackOf(call).reverse();
    let common = 0;
    // After a pause every call is another.
    if (start === before) while (common < open.length && open[common]?.call === stack[common]) common++;
    yield* ended(open, common, before, names, tid);
    for (const each of stack.slice(common)) open.push({ call: each, start });
    before = end;
  }
  yield* ended(open, 0, before, names, tid);
}

/** Takes the calls above the lowest `kept` off the stack. */
function* ended(
  open: OpenCall[],
  kept: number,
  end: number,
  names: CallNames,
  tid: number,
): Iterable<string> {
  for (const { call, start } of open.splice(kept).reverse()) {
    const { name, file, line } = names.nameOf(call.frame);
    yield event({ name, ph: 'X', pid: 1, tid, ts: start, dur: end - start, args: { at: `${file}:${line}` } });
  }
}

function event(fields: object): string {
  return JSON.stringify(fields);
}
