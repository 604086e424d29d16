/** A processor profile as V8 gives it, made easier to walk: which call stood on top when, and what was below it. */

import type { CallFrame, CpuProfile, NamedOutcome } from './profile-source.ts';

/** A call in its place: the same function called from elsewhere is another. */
export interface Call {
  readonly frame: CallFrame;
  /** What called it; `undefined` at the bottom. */
  readonly caller: Call | undefined;
}

/** For how long a call was on top of the stack. */
export interface CpuSample {
  readonly call: Call;
  /** Microseconds on V8's clock. */
  readonly start: number;
  readonly end: number;
}

/** V8's names for the bottom of every stack, and for waiting. */
const ROOT = '(root)';
const IDLE = '(idle)';

/** Those of a thread; none if it is missing. */
export function samplesOf({ outcome }: NamedOutcome): CpuSample[] {
  return 'profile' in outcome && outcome.profile.kind === 'cpu' ? cpuSamples(outcome.profile.profile) : [];
}

/** In order of time, without the time in which the thread waited for something to do. */
export function cpuSamples(profile: CpuProfile): CpuSample[] {
  const calls = callsOf(profile);
  const { samples = [], timeDeltas = [] } = profile;
  const found: CpuSample[] = [];
  let start = profile.startTime + (timeDeltas[0] ?? 0);
  for (const [i, id] of samples.entries()) {
    // V8 tells the time between a sample and the one before it, which may come out of order by a little.
    const end = i + 1 < samples.length ? start + Math.max(timeDeltas[i + 1] ?? 0, 0) : profile.endTime;
    const call = calls.get(id);
    if (call && call.frame.functionName !== IDLE && end > start) found.push({ call, start, end });
    start = Math.max(start, end);
  }
  return found;
}

/** A call and those below it, the top first. */
export function stackOf(top: Call): Call[] {
  const stack: Call[] = [];
  for (let call: Call | undefined = top; call; call = call.caller) stack.push(call);
  return stack;
}

function callsOf({ nodes }: CpuProfile): Map<number, Call> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const calls = new Map<number, Call>();
  const visit = (id: number, caller: Call | undefined): void => {
    const node = byId.get(id);
    if (!node) return;
    const isRoot = node.callFrame.functionName === ROOT && node.callFrame.url === '';
    const call = isRoot ? undefined : { frame: node.callFrame, caller };
    if (call) calls.set(id, call);
    for (const child of node.children ?? []) visit(child, call);
  };
  if (nodes[0]) visit(nodes[0].id, undefined);
  return calls;
}
