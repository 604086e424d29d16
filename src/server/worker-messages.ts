/**
 * What the supervisor and a worker tell each other.
 *
 *     supervisor                          worker
 *         │ ───────── WorkerStart ─────────▶ │  parses the configuration, joins the store
 *         │ ◀──────────── joined ─────────── │
 *         │ ───────────── admit ───────────▶ │  opens store, hooks, frontends
 *         │ ◀──────── ready or failed ────── │  a worker that failed ends
 *         │ ◀───────────── log ───────────── │  at any time
 *         │ ──────────── publish ──────────▶ │  another value that a hook shares; at any time after admit
 *         │ ◀───────────── ask ───────────── │  a hook asks the source of what it shares; at any time
 *         │ ──────────── measure ──────────▶ │
 *         │ ◀──────────── measured ───────── │  once more when the thread ends
 *         │ ───────────── stop ────────────▶ │
 *         │ ◀─────────── stopping ────────── │  closes frontends, hooks, store, and ends
 */

import type { BoundAddress, Descriptors } from '../frontend/frontend.ts';
import type { MetricReport } from './metric-report.ts';
import type { PostedLine } from './posted-log.ts';
import type { SentError } from './sent-error.ts';

/** What a worker is started with: its `workerData`. */
export interface WorkerStart {
  /** From 1. */
  readonly number: number;
  /** Its number in the store. */
  readonly thread: number;
  /** `Config.given`: parsed again, as what a schema makes of it may be good for one thread only. */
  readonly given: Readonly<Record<string, unknown>>;
  /** `Config.directory`. */
  readonly directory: string;
  /** The options of each configured frontend, with what all workers have in common. */
  readonly frontends: readonly unknown[];
  /** Of a store that is shared, the host's; otherwise `undefined`, and the worker opens its own. */
  readonly invitation: { readonly of: unknown } | undefined;
}

/** What a worker opens its parts with once it has joined the store. */
export interface Admission {
  /** Of a store that is shared, what the host admits with. */
  readonly store: unknown;
  /** For each hook, PreHooks first, what it shares with those of other threads. */
  readonly shared: readonly unknown[];
}

export type ToWorker =
  | { readonly kind: 'admit'; readonly admission: Admission }
  | { readonly kind: 'publish'; readonly hook: number; readonly value: unknown }
  | { readonly kind: 'measure'; readonly request: number }
  | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'joined' }
  | {
      readonly kind: 'ready';
      readonly addresses: readonly BoundAddress[];
      readonly descriptors: readonly Descriptors[];
    }
  | { readonly kind: 'failed'; readonly error: SentError }
  | { readonly kind: 'log'; readonly line: PostedLine }
  | { readonly kind: 'ask'; readonly hook: number; readonly message: unknown }
  | {
      readonly kind: 'measured';
      readonly request: number | undefined;
      readonly reports: readonly MetricReport[];
    }
  /** From here on the worker closes its descriptors itself. */
  | { readonly kind: 'stopping' };
