/** Starts a tracker inside another program. */

import { resolve } from 'node:path';
import type { z } from 'zod';
import { isMapping, parse } from '../config/parse.ts';
import { ConfigError } from '../config/problem.ts';
import type { httpDriver } from '../frontend/http/driver.ts';
import type { udpDriver } from '../frontend/udp/driver.ts';
import type { HookDriver } from '../middleware/middleware.ts';
import { type Clock, systemClock } from '../pkg/clock.ts';
import { type Logger, silentLogger } from '../pkg/logger.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { builtIn } from './built-in.ts';
import { withHookModules } from './hook-modules.ts';
import { Tracker } from './tracker.ts';
import type { TrackerConfig } from './tracker-parts.ts';

/** What stands under `chihaya` in a configuration file, with the same keys and defaults. */
export interface TrackerOptions {
  /** Go's form, such as `30m`. */
  readonly announce_interval?: string;
  readonly min_announce_interval?: string;
  /** `host:port`; without it there is no metrics server, but `tracker.metrics()` all the same. */
  readonly metrics_addr?: string;
  /** How long `stop` waits for requests under way and for hooks. */
  readonly shutdown_timeout?: string;
  /** Whether the metrics server answers `/debug/pprof/`, by default true. */
  readonly pprof?: boolean;
  /**
   * How many threads serve clients, by default 1: the one that calls. More, or `auto`, which is one for each
   * processor, go with what ships and with hooks that are modules, not with a clock or drivers of your own.
   */
  readonly workers?: number | 'auto';
  readonly http?: z.input<typeof httpDriver.options>;
  readonly udp?: z.input<typeof udpDriver.options>;
  readonly storage?: { readonly name?: string; readonly config?: object };
  readonly prehooks?: readonly HookOptions[];
  readonly posthooks?: readonly HookOptions[];
}

export interface HookOptions {
  /** A built-in hook's name, that of one in `hookDrivers`, or the path or package of a module. */
  readonly name: string;
  readonly options?: object;
}

/** What an embedder brings along. */
export interface Embedding {
  /** By default nothing is logged. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Stores and hooks that the configuration may name, beside those that ship. */
  readonly storageDrivers?: readonly StorageDriver[];
  readonly hookDrivers?: readonly HookDriver[];
  /** What the paths of hooks that are modules are relative to, by default the current directory. */
  readonly directory?: string;
}

/**
 * Starts a tracker. Resolves when every socket is bound.
 *
 * @throws ConfigError with every mistake in `options` at once
 * @throws Error if a socket cannot be bound, or a store or hook cannot be opened
 */
export async function createTracker(options: TrackerOptions, embedding: Embedding = {}): Promise<Tracker> {
  return Tracker.start(await configuration(options, embedding), {
    logger: embedding.logger ?? silentLogger,
    clock: embedding.clock ?? systemClock,
  });
}

/**
 * Has a running tracker go on with other options, without losing a connection, a packet or a peer. Resolves when they
 * are in force. What cannot change while it runs stays, which is logged: the number of workers, the kind of store, and
 * options of which the reference says so. Of several calls during a reload the last counts.
 *
 * @param embedding as at the start; its drivers may be others
 * @throws Error as `createTracker`; then nothing has changed
 */
export function reloadTracker(
  tracker: Tracker,
  options: TrackerOptions,
  embedding: Embedding = {},
): Promise<void> {
  return tracker.reload(() => configuration(options, embedding));
}

async function configuration(options: TrackerOptions, embedding: Embedding): Promise<TrackerConfig> {
  const own = (['clock', 'storageDrivers', 'hookDrivers'] as const).filter(
    (key) => embedding[key] !== undefined,
  );
  const workers = options?.workers ?? 1;
  if (workers !== 1 && own.length > 0) {
    const brought = own.join(', ');
    throw new ConfigError([
      `workers: expected 1 with ${brought} of your own, which other threads cannot have, found ${workers}`,
    ]);
  }
  const known = {
    frontends: builtIn.frontends,
    stores: [...builtIn.stores, ...(embedding.storageDrivers ?? [])],
    hooks: [...builtIn.hooks, ...(embedding.hookDrivers ?? [])],
  };
  const given = isMapping(options) ? { ...options, workers } : options;
  const directory = resolve(embedding.directory ?? '');
  const components = await withHookModules(known, given, directory);
  return parse(given, components, { locate: () => '', directory });
}
