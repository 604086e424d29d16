/** What the two ways to run a tracker have in common: one thread for everything, and several with one above them. */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { Components } from '../config/component.ts';
import type { Config } from '../config/parse.ts';
import type { BoundAddress, FrontendDriver } from '../frontend/frontend.ts';
import type { HookDriver } from '../middleware/middleware.ts';
import type { BoundSockets } from '../pkg/bound-sockets.ts';
import type { Clock } from '../pkg/clock.ts';
import type { Logger } from '../pkg/logger.ts';
import type { StorageDriver } from '../storage/driver.ts';
import type { PeerStore } from '../storage/storage.ts';
import type { Closers } from './closers.ts';
import type { LoadingWorker } from './loading-worker.ts';
import type { MetricsSource } from './metric-report.ts';
import type { MetricSet } from './metric-set.ts';
import type { ProfileSource } from './profiles/profile-source.ts';
import type { SummingRegistry } from './summing-registry.ts';

interface TrackerKinds {
  readonly frontend: FrontendDriver;
  readonly store: StorageDriver;
  readonly hook: HookDriver;
}

export type TrackerComponents = Components<TrackerKinds>;
export type TrackerConfig = Config<TrackerKinds>;

export interface TrackerDependencies {
  readonly logger: Logger;
  readonly clock: Clock;
  /**
   * The first of several workers, if it has been started already; ended where there is to be one thread only.
   *
   * @internal its types are Node's, which a program that embeds the tracker need not have
   */
  readonly firstWorker?: LoadingWorker | undefined;
  /** Sockets to listen on instead of binding their addresses. */
  readonly bound?: BoundSockets | undefined;
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
  readonly metrics: SummingRegistry;
}

/** A tracker that serves. */
export interface TrackerParts {
  readonly store: PeerStore;
  /** The one in force. */
  readonly logic: TrackerLogic;
  /** What is served by the configuration in force. */
  readonly addresses: readonly BoundAddress[];
  /** How many threads serve clients now. */
  readonly serving: number;
  readonly metrics: MetricsSource;
  /** `undefined` unless `takesProfiles`. */
  readonly profiles: ProfileSource | undefined;
  /** Has the sources of what hooks share read anew what that was made from. */
  refresh(): Promise<void>;
  /**
   * Makes ready to go on with another configuration: `applicable` has made it. Rejects, with everything as it was, if a
   * part cannot be made ready.
   */
  prepare(config: TrackerConfig): Promise<PartsChange>;
}

/** A change that all parts are ready for. One of the two methods is to be called, once. */
export interface PartsChange {
  /** Resolves when the configuration is in force; what is under way goes on, and what served it stops after that. */
  commit(): Promise<void>;
  abandon(): Promise<void>;
}

/** Whether threads can be profiled: nobody else than the metrics server asks for it, and a Node can be built without the means. */
export function takesProfiles({ pprof, metricsAddr }: TrackerConfig): boolean {
  return pprof && metricsAddr !== undefined && process.features.inspector;
}
