/** A tracker in one thread: this one. */

import { HookMetrics } from './hook-metrics.ts';
import { openComponent } from './open-component.ts';
import { openFrontends } from './open-frontends.ts';
import { openLogic } from './open-logic.ts';
import { SharedSources } from './shared-sources.ts';
import type { PartsDependencies, TrackerConfig, TrackerParts } from './tracker-parts.ts';
import { registerWorkerMetrics } from './worker-metrics.ts';

export async function openSingleThread(
  config: TrackerConfig,
  dependencies: PartsDependencies,
): Promise<TrackerParts> {
  const { logger, clock, metrics, closers } = dependencies;
  registerWorkerMetrics(metrics, { serving: () => 1, restarts: () => 0 });
  const store = await openComponent(config.storage, logger, (driver, options, own) =>
    driver.open(options, { logger: own, metrics, clock, upkeep: true }),
  );
  closers.push(() => store.stop());
  const hookMetrics = new HookMetrics();
  metrics.include(() => hookMetrics.report());
  const hooks = { logger, metrics: hookMetrics };
  const sources = await SharedSources.open(config, store, hooks);
  closers.push(() => sources.stop());
  const logic = await openLogic(config, store, sources.shared, hooks);
  closers.push(() => logic.stop());
  const frontends = await openFrontends(config, logic, false, dependencies);
  return { store, logic, addresses: frontends.flatMap(({ addresses }) => addresses), metrics, sources };
}
