/**
 * What serves clients in one thread: hooks, the logic that calls them, frontends. A reload makes hooks and logic anew
 * and changes the frontends; what is under way ends with the hooks that it began with, and then these stop.
 *
 *     prepare     new hooks ── new logic ── frontends made ready       may fail: everything is as it was
 *     commit      frontends go over to the new logic                   at once, and does not fail
 *     (later)     requests under way end ── old hooks stop
 */

import type { BoundAddress, PreparedChange } from '../frontend/frontend.ts';
import type { Logic } from '../middleware/logic.ts';
import type { BoundSockets } from '../pkg/bound-sockets.ts';
import type { Logger } from '../pkg/logger.ts';
import type { PeerStore } from '../storage/storage.ts';
import { Frontends } from './frontends.ts';
import type { MetricSet } from './metric-set.ts';
import { openLogic } from './open-logic.ts';
import { PartMetrics } from './part-metrics.ts';
import type { Patience } from './patience.ts';
import type { SharedValue } from './shared-value.ts';
import type { SummingRegistry } from './summing-registry.ts';
import type { TrackerConfig } from './tracker-parts.ts';

export interface ServingDependencies {
  readonly store: PeerStore;
  readonly logger: Logger;
  readonly metrics: MetricSet;
  /** Whether other workers serve the same addresses. */
  readonly reusePort: boolean;
  readonly bound?: BoundSockets | undefined;
}

/** What hooks are made with besides their options. */
export interface HookSupplies {
  /** For each hook what it shares with those of other threads. */
  readonly shared: readonly SharedValue[];
  /** Where they register their metrics, and perhaps their sources have. */
  readonly metrics: SummingRegistry;
}

interface Hooks {
  readonly logic: Logic;
  readonly metrics: SummingRegistry;
}

export class Serving {
  readonly #dependencies: ServingDependencies;
  readonly #metrics: PartMetrics;
  readonly #frontends: Frontends;
  readonly #retiring = new Set<Promise<void>>();
  #hooks: Hooks;

  /** Rejects, with everything closed again, if a hook or a frontend cannot be opened. */
  static async open(
    config: TrackerConfig,
    supplies: HookSupplies,
    dependencies: ServingDependencies,
  ): Promise<Serving> {
    const metrics = new PartMetrics();
    const frontends = new Frontends({ ...dependencies, metrics });
    const { hooks, change } = await prepare(config, supplies, frontends, dependencies);
    dependencies.metrics.include(() => metrics.report());
    metrics.add(hooks.metrics);
    void change.commit();
    return new Serving(hooks, frontends, metrics, dependencies);
  }

  private constructor(
    hooks: Hooks,
    frontends: Frontends,
    metrics: PartMetrics,
    dependencies: ServingDependencies,
  ) {
    this.#hooks = hooks;
    this.#frontends = frontends;
    this.#metrics = metrics;
    this.#dependencies = dependencies;
  }

  /** The one in force. */
  get logic(): Logic {
    return this.#hooks.logic;
  }

  get addresses(): readonly BoundAddress[] {
    return this.#frontends.addresses;
  }

  /** As `Frontend.prepare`, for hooks and all frontends: `commit` resolves when the hooks before have stopped. */
  async prepare(config: TrackerConfig, supplies: HookSupplies): Promise<PreparedChange> {
    const { hooks, change } = await prepare(config, supplies, this.#frontends, this.#dependencies);
    return {
      commit: () => this.#commit(hooks, change),
      abandon: async () => {
        await change.abandon();
        await hooks.logic.stop();
      },
    };
  }

  async stop(patience: Patience): Promise<void> {
    const ended = Promise.all([...this.#retiring, this.#frontends.stop()]);
    if (!(await patience.waitFor('what was under way', ended))) this.#frontends.cut();
    await patience.waitFor('a hook that was told to stop', this.#hooks.logic.stop());
  }

  #commit(hooks: Hooks, change: PreparedChange): Promise<void> {
    const before = this.#hooks;
    this.#hooks = hooks;
    this.#metrics.leave(before.metrics);
    this.#metrics.add(hooks.metrics);
    const retired = change
      .commit()
      .then(() => before.logic.stop())
      .then(() => this.#metrics.remove(before.metrics))
      // What serves goes on all the same.
      .catch((error) =>
        this.#dependencies.logger.error(
          { err: error },
          'what served before a reload was not taken down whole',
        ),
      )
      .finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
    return retired;
  }
}

/** Opens what a configuration needs in addition. @throws Error with the part's name, and everything as it was */
async function prepare(
  config: TrackerConfig,
  { shared, metrics }: HookSupplies,
  frontends: Frontends,
  { store, logger }: ServingDependencies,
): Promise<{ readonly hooks: Hooks; readonly change: PreparedChange }> {
  const logic = await openLogic(config, store, shared, { logger, metrics });
  try {
    return { hooks: { logic, metrics }, change: await frontends.prepare(config, logic) };
  } catch (error) {
    await logic.stop();
    throw error;
  }
}
