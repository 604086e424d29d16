/**
 * What the supervisor and a worker tell each other.
 *
 *     supervisor                          worker
 *         │ ───────── WorkerStart ─────────▶ │  has loaded its modules; parses the configuration, joins the store
 *         │ ◀──────────── joined ─────────── │
 *         │ ───────────── admit ───────────▶ │  opens store, hooks, frontends
 *         │ ◀──────── ready or failed ────── │  a worker that failed ends
 *         │ ◀───────────── log ───────────── │  at any time
 *         │ ──────────── publish ──────────▶ │  another value that a hook shares; at any time after admit
 *         │ ◀───────────── ask ───────────── │  a hook asks the source of what it shares; at any time
 *         │ ──────────── measure ──────────▶ │
 *         │ ◀──────────── measured ───────── │  once more when the thread ends
 *         │ ──────────── profile ──────────▶ │  at any time; the answer has a port of its own
 *         │ ───────────── stop ────────────▶ │
 *         │ ◀─────────── stopping ────────── │  closes frontends, hooks, store, and ends
 *
 * A reload gives all workers another configuration, which is told from others by its number:
 *
 *         │ ──────────── prepare ──────────▶ │  makes hooks and frontends ready beside those that serve
 *         │ ◀────── prepared or refused ──── │
 *         │ ─────── commit or abandon ─────▶ │  what is new takes effect, or is closed
 *         │ ◀─────────── committed ───────── │
 *         │ ◀──────────── retired ────────── │  when the last hook before it has stopped
 */

import type { MessagePort } from 'node:worker_threads';
import type { BoundAddress } from '../frontend/frontend.ts';
import type { BoundSocket } from '../pkg/bound-sockets.ts';
import type { DescriptorRecord } from '../pkg/descriptors.ts';
import type { MetricReport } from './metric-report.ts';
import type { PostedLine } from './posted-log.ts';
import type { ProfileOrder } from './profiles/profile-source.ts';
import type { SentError } from './sent-error.ts';

/** A configuration as workers are given it. */
export interface WorkerConfig {
  /** Counts from 0, which is that of the start. */
  readonly number: number;
  /** `Config.given`: parsed again, as what a schema makes of it may be good for one thread only. */
  readonly given: Readonly<Record<string, unknown>>;
  /** `Config.directory`. */
  readonly directory: string;
  /** The options of each configured frontend, with what all workers have in common. */
  readonly frontends: readonly unknown[];
}

/** A worker's `workerData`: all that is known when its thread begins. */
export interface WorkerBeginning {
  /** From 1. */
  readonly number: number;
  /** Has one message, the WorkerStart. What else is sent meanwhile waits, as nobody listens to the parent's port. */
  readonly start: MessagePort;
}

/** What a worker is told to begin with. */
export interface WorkerStart {
  /** From 1. */
  readonly number: number;
  /** Its number in the store. */
  readonly thread: number;
  readonly config: WorkerConfig;
  /** Of a store that is shared, the host's; otherwise `undefined`, and the worker opens its own. */
  readonly invitation: { readonly of: unknown } | undefined;
  /** Sockets that the supervisor keeps for it: it takes duplicates. */
  readonly bound: readonly BoundSocket[];
  /** Where it notes what it opens. */
  readonly descriptors: DescriptorRecord;
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
  | {
      readonly kind: 'publish';
      /** The number of the configuration. */
      readonly config: number;
      readonly hook: number;
      readonly value: unknown;
    }
  | { readonly kind: 'prepare'; readonly config: WorkerConfig; readonly shared: readonly unknown[] }
  | { readonly kind: 'commit'; readonly config: number }
  | { readonly kind: 'abandon'; readonly config: number }
  | { readonly kind: 'measure'; readonly request: number }
  /** What comes of it is sent through the port. */
  | { readonly kind: 'profile'; readonly order: ProfileOrder; readonly port: MessagePort }
  /** The worker has so many milliseconds. */
  | { readonly kind: 'stop'; readonly timeout: number };

export type FromWorker =
  | { readonly kind: 'joined' }
  /** With what it has bound. */
  | { readonly kind: 'ready'; readonly addresses: readonly BoundAddress[] }
  | { readonly kind: 'failed'; readonly error: SentError }
  | { readonly kind: 'log'; readonly line: PostedLine }
  | { readonly kind: 'ask'; readonly config: number; readonly hook: number; readonly message: unknown }
  | {
      readonly kind: 'measured';
      readonly request: number | undefined;
      readonly reports: readonly MetricReport[];
    }
  | { readonly kind: 'prepared' }
  | { readonly kind: 'refused'; readonly error: SentError }
  | { readonly kind: 'committed'; readonly addresses: readonly BoundAddress[] }
  | { readonly kind: 'retired'; readonly config: number }
  | { readonly kind: 'stopping' };
