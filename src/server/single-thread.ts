/** A tracker in one thread: this one. */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { BoundAddress } from '../frontend/frontend.ts';
import type { Logger } from '../pkg/logger.ts';
import type { PeerStore } from '../storage/storage.ts';
import type { MetricSet } from './metric-set.ts';
import { openComponent, tuneStore } from './open-component.ts';
import type { Patience } from './patience.ts';
import { Serving } from './serving.ts';
import { openWithSources, type SharedSources } from './shared-sources.ts';
import type { PartsChange, PartsDependencies, TrackerConfig, TrackerParts } from './tracker-parts.ts';
import { registerWorkerMetrics } from './worker-metrics.ts';

export class SingleThread implements TrackerParts {
  readonly store: PeerStore;
  readonly metrics: MetricSet;
  readonly serving = 1;
  addresses: readonly BoundAddress[];
  readonly #logger: Logger;
  readonly #serving: Serving;
  #sources: SharedSources;

  static async open(config: TrackerConfig, dependencies: PartsDependencies): Promise<SingleThread> {
    const { logger, clock, metrics, closers } = dependencies;
    registerWorkerMetrics(metrics, { serving: () => 1, restarts: () => 0 });
    const store = await openComponent(config.storage, logger, (driver, options, own) =>
      driver.open(options, { logger: own, metrics, clock, upkeep: true }),
    );
    closers.push(() => store.stop());
    const { sources, made: serving } = await openWithSources(config, store, logger, (supplies) =>
      Serving.open(config, supplies, { store, logger, metrics, reusePort: false }),
    );
    const thread = new SingleThread(store, sources, serving, dependencies);
    closers.push((patience) => thread.#stop(patience));
    return thread;
  }

  private constructor(
    store: PeerStore,
    sources: SharedSources,
    serving: Serving,
    dependencies: PartsDependencies,
  ) {
    this.store = store;
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
