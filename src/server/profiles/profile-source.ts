/**
 * Where profiles come from, and what they are before anybody encodes them. Types alone, and none of Node's: what the
 * package exports leads here, and its users may not have those.
 */

/** What is to be profiled; can be sent to another thread. */
export type ProfileOrder =
  | {
      readonly kind: 'cpu';
      /** For how long, in milliseconds. */
      readonly duration: number;
      /** Between two samples, in microseconds. */
      readonly interval: number;
    }
  | { readonly kind: 'heap' };

/** A function, as V8 tells of it: lines and columns count from 0. */
export interface CallFrame {
  readonly functionName: string;
  /** A number of the thread's. */
  readonly scriptId: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** V8's processor profile. Times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  readonly startTime: number;
  readonly endTime: number;
  /** What was on top of the stack: nodes by id. */
  readonly samples?: readonly number[] | undefined;
  /** From each sample's predecessor to it, from the start to the first. */
  readonly timeDeltas?: readonly number[] | undefined;
}

export interface CpuNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[] | undefined;
}

/** V8's heap profile: what calls have allocated and is still there, in bytes. */
export interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

export type ThreadProfile =
  | { readonly kind: 'cpu'; readonly profile: CpuProfile }
  | { readonly kind: 'heap'; readonly head: HeapNode };

/** A thread's profile, or why there is none. */
export type Outcome = { readonly profile: ThreadProfile } | { readonly missing: string };

export interface NamedOutcome {
  /** `main`, or `supervisor`, `worker 1`, … */
  readonly thread: string;
  readonly outcome: Outcome;
}

export interface ProfileSource {
  /** Ends, and never rejects, whatever the threads do. One at a time. @param signal ends it early */
  take(order: ProfileOrder, signal: AbortSignal): Promise<readonly NamedOutcome[]>;
}
