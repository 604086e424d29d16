/** Starts a tracker inside another program. */

import type { z } from 'zod';
import type { Components } from '../config/component.ts';
import { parse } from '../config/parse.ts';
import { frontendDrivers } from '../frontend/drivers.ts';
import type { FrontendDriver } from '../frontend/frontend.ts';
import type { httpDriver } from '../frontend/http/driver.ts';
import type { udpDriver } from '../frontend/udp/driver.ts';
import { hookDrivers } from '../middleware/drivers.ts';
import type { HookDriver } from '../middleware/middleware.ts';
import { type Clock, systemClock } from '../pkg/clock.ts';
import { type Logger, silentLogger } from '../pkg/logger.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { storageDrivers } from '../storage/drivers.ts';
import { Tracker } from './tracker.ts';

/** What stands under `chihaya` in a configuration file, with the same keys and defaults. */
export interface TrackerOptions {
  /** Go's form, such as `30m`. */
  readonly announce_interval?: string;
  readonly min_announce_interval?: string;
  /** `host:port`; without it there is no metrics server, but `tracker.metrics()` all the same. */
  readonly metrics_addr?: string;
  readonly http?: z.input<typeof httpDriver.options>;
  readonly udp?: z.input<typeof udpDriver.options>;
  readonly storage?: { readonly name?: string; readonly config?: object };
  readonly prehooks?: readonly HookOptions[];
  readonly posthooks?: readonly HookOptions[];
}

export interface HookOptions {
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
}

/** Everything that ships. */
export const builtIn: Components<FrontendDriver, StorageDriver, HookDriver> = {
  frontends: frontendDrivers,
  stores: storageDrivers,
  hooks: hookDrivers,
};

/**
 * Starts a tracker. Resolves when every socket is bound.
 *
 * @throws ConfigError with every mistake in `options` at once
 * @throws Error if a socket cannot be bound, or a store or hook cannot be opened
 */
export async function createTracker(options: TrackerOptions, embedding: Embedding = {}): Promise<Tracker> {
  const config = parse(options, {
    frontends: builtIn.frontends,
    stores: [...builtIn.stores, ...(embedding.storageDrivers ?? [])],
    hooks: [...builtIn.hooks, ...(embedding.hookDrivers ?? [])],
  });
  return Tracker.start(config, {
    logger: embedding.logger ?? silentLogger,
    clock: embedding.clock ?? systemClock,
  });
}
