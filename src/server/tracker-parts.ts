/** What the two ways to run a tracker have in common: one thread for everything, and several with one above them. */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { Config } from '../config/parse.ts';
import type { BoundAddress, FrontendDriver } from '../frontend/frontend.ts';
import type { HookDriver } from '../middleware/middleware.ts';
import type { Clock } from '../pkg/clock.ts';
import type { Logger } from '../pkg/logger.ts';
import type { StorageDriver } from '../storage/driver.ts';
import type { PeerStore } from '../storage/storage.ts';
import type { Closers } from './closers.ts';
import type { HookMetrics } from './hook-metrics.ts';
import type { MetricsSource } from './metric-report.ts';
import type { MetricSet } from './metric-set.ts';
import type { SharedSources } from './shared-sources.ts';

export type TrackerConfig = Config<FrontendDriver, StorageDriver, HookDriver>;

export interface TrackerDependencies {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** What the parts are opened with. */
export interface PartsDependencies extends TrackerDependencies {
  /** Where this thread's metrics are registered. */
  readonly metrics: MetricSet;
  /** Where what is opened says how it is closed. */
  readonly closers: Closers;
}

/** What hooks, and the sources of what they share, are opened with. */
export interface HooksDependencies {
  readonly logger: Logger;
  readonly metrics: HookMetrics;
}

/** A tracker that serves. */
export interface TrackerParts {
  readonly store: PeerStore;
  readonly logic: TrackerLogic;
  readonly addresses: readonly BoundAddress[];
  readonly metrics: MetricsSource;
  readonly sources: SharedSources;
}
