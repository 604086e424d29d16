/** A tracker in one thread: this one. */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { BoundAddress } from '../frontend/frontend.ts';
import type { Logger } from '../pkg/logger.ts';
import type { PeerStore } from '../storage/storage.ts';
import { registerEventLoopMetrics } from './event-loop-metrics.ts';
import type { MetricSet } from './metric-set.ts';
import { openComponent, tuneStore } from './open-component.ts';
import type { Patience } from './patience.ts';
import { Profiles } from './profiles/profiles.ts';
import { Serving } from './serving.ts';
import { openWithSources, type SharedSources } from './shared-sources.ts';
import {
  type PartsChange,
  type PartsDependencies,
  type TrackerConfig,
  type TrackerParts,
  takesProfiles,
} from './tracker-parts.ts';
import { registerWorkerMetrics } from './worker-metrics.ts';

interface Open {
  readonly store: PeerStore;
  readonly sources: SharedSources;
  readonly serving: Serving;
  readonly profiles: Profiles | undefined;
}

export class SingleThread implements TrackerParts {
  readonly store: PeerStore;
  readonly metrics: MetricSet;
  readonly serving = 1;
  readonly profiles: Profiles | undefined;
  addresses: readonly BoundAddress[];
  readonly #logger: Logger;
  readonly #serving: Serving;
  #sources: SharedSources;

  static async open(config: TrackerConfig, dependencies: PartsDependencies): Promise<SingleThread> {
    const { logger, clock, metrics, closers, bound } = dependencies;
    // First: who allocates is noted from here on.
    const profiles = takesProfiles(config) ? await Profiles.open('main', () => []) : undefined;
    if (profiles) closers.push(() => profiles.close());
    registerWorkerMetrics(metrics, { serving: () => 1, restarts: () => 0 });
    registerEventLoopMetrics(metrics, 1, closers);
    const store = await openComponent(config.storage, logger, (driver, options, own) =>
      driver.open(options, { logger: own, metrics, clock, upkeep: true }),
    );
    closers.push(() => store.stop());
    const { sources, made: serving } = await openWithSources(config, store, logger, (supplies) =>
      Serving.open(config, supplies, { store, logger, metrics, reusePort: false, bound }),
    );
    const thread = new SingleThread({ store, sources, serving, profiles }, dependencies);
    closers.push((patience) => thread.#stop(patience));
    return thread;
  }

  private constructor({ store, sources, serving, profiles }: Open, dependencies: PartsDependencies) {
    this.store = store;
    this.profiles = profiles;
    this.metrics = dependencies.metrics;
    this.#sources = sources;
    this.#serving = serving;
    this.addresses = serving.addresses;
    this.#logger = dependencies.logger;
  }

  get logic(): TrackerLogic {
    return this.#serving.logic;
  }

  refresh(): Promise<void> {
    return this.#sources.refresh();
  }

  async prepare(config: TrackerConfig): Promise<PartsChange> {
    const { sources, made: change } = await openWithSources(config, this.store, this.#logger, (supplies) =>
      this.#serving.prepare(config, supplies),
    );
    return {
      commit: async () => {
        const before = this.#sources;
        this.#sources = sources;
        tuneStore(this.store, config);
        void change.commit().then(() => before.stop());
        this.addresses = this.#serving.addresses;
      },
      abandon: async () => {
        await change.abandon();
        await sources.stop();
      },
    };
  }

  async #stop(patience: Patience): Promise<void> {
    await this.#serving.stop(patience);
    await patience.waitFor('the source of what hooks share', this.#sources.stop());
  }
}
