/**
 * The contract of a hook: a rule that every request passes, before (PreHook) or after (PostHook) its
 * answer is written.
 *
 * A PreHook may change the response, leave values in the context for a PostHook, set the context's
 * switches, or end the request by throwing a ClientError, whose text the client is told. Anything
 * else it throws is an internal error: logged with the hook's name, told as `internal server error`.
 *
 * A hook that has nothing to wait for returns nothing; returning a promise makes the whole request
 * asynchronous, which costs far more than most hooks do. Both methods are called for many requests
 * between which asynchronous hooks may be waiting: state belongs in the context.
 */

import type { z } from 'zod';
import type { AnnounceRequest, AnnounceResponse } from '../bittorrent/announce.ts';
import type { RequestContext } from '../bittorrent/context.ts';
import type { ScrapeRequest, ScrapeResponse } from '../bittorrent/scrape.ts';
import type { Logger } from '../pkg/logger.ts';
import type { MetricRegistry } from '../pkg/metrics.ts';
import type { PeerStore } from '../storage/storage.ts';

export interface Hook {
  handleAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void>;
  handleScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void>;
  /** Called once, after the last request, when the tracker stops. */
  stop?(): void | Promise<void>;
}

/** What a hook is made with besides its options. */
export interface HookDependencies<Value = unknown> {
  readonly logger: Logger;
  /** Metrics of the same name, of hooks of one kind or of several workers, are added up. */
  readonly metrics: MetricRegistry;
  /** What the driver's `share` has made; of a driver without it, nothing. */
  readonly shared: Shared<Value>;
}

/** A thread's view of what the hooks of all threads have in common. */
export interface Shared<Value = unknown> {
  /** The latest. */
  readonly value: Value;
  /** Calls `listener` with each later value. */
  onChange(listener: (value: Value) => void): void;
  /** Sends a message, which can be cloned, to the source. Nothing comes back but, perhaps, another value. */
  ask(message: unknown): void;
}

/** Makes a value for the hooks of all threads, in the thread above them, and keeps it up to date. */
export interface SharedSource<Value = unknown> {
  /**
   * What a hook that is made now begins with. Threads get it by structured clone: a SharedArrayBuffer in it is the
   * same memory for all. Later values go through `publish`.
   */
  readonly value: Value;
  /** Takes what a hook has asked for. */
  receive?(message: unknown): void;
  /** Reads anew what the value was made from. Never rejects: what cannot be read is logged, and the old value stays. */
  refresh?(): Promise<void>;
  /** Called once, after the hooks have stopped. */
  stop?(): void | Promise<void>;
}

/** What a source is made with besides the options. */
export interface SourceDependencies<Value = unknown> {
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly store: PeerStore;
  /** Gives the hooks of all threads another value. */
  readonly publish: (value: Value) => void;
}

/** A kind of hook: a folder here and a line in `drivers.ts`, or the default export of an operator's own module. */
export interface HookDriver<Schema extends z.ZodType = z.ZodType, Value = unknown> {
  /** The `name` in the configuration, and in logs and metrics. A module is configured by its path or package instead. */
  readonly name: string;
  /** One sentence for the generated documentation. */
  readonly summary: string;
  /** The schema of `options`: strict, with defaults. */
  readonly options: Schema;
  /** Called in each thread that serves clients. */
  create(options: z.output<Schema>, dependencies: HookDependencies<Value>): Hook | Promise<Hook>;
  /**
   * For a hook whose lists or keys should be read once, not once a thread. Called before `create`, in the thread that
   * starts the others; if it rejects, the tracker does not start.
   */
  share?(
    options: z.output<Schema>,
    dependencies: SourceDependencies<Value>,
  ): SharedSource<Value> | Promise<SharedSource<Value>>;
}

/**
 * Ties the types of `create`'s and `share`'s arguments to the schema and to each other. Without a `summary` nothing is
 * said in its place.
 */
export function defineHook<Schema extends z.ZodType, Value = undefined>(
  driver: Omit<HookDriver<Schema, Value>, 'summary'> & { readonly summary?: string },
): HookDriver<Schema, Value> {
  return { summary: '', ...driver };
}
