/** The Redis store as tests open it: with its driver, over the options of a configuration file. */

import type { Clock } from '../../../src/pkg/clock.ts';
import { systemClock } from '../../../src/pkg/clock.ts';
import type { Metric } from '../../../src/pkg/metrics.ts';
import { redisDriver } from '../../../src/storage/redis/driver.ts';
import type { PeerStore } from '../../../src/storage/storage.ts';
import { MemoryLogger } from '../../support/memory-logger.ts';

export interface OpenedStore {
  readonly store: PeerStore;
  readonly log: MemoryLogger;
  /** The values of a metric that has no labels, or their sum. */
  metric(name: string): number;
}

export async function openStore(
  config: Readonly<Record<string, unknown>>,
  clock: Clock = systemClock,
): Promise<OpenedStore> {
  const metrics = new Map<string, Metric>();
  const log = new MemoryLogger();
  const store = await redisDriver.open(redisDriver.options.parse(config), {
    logger: log,
    clock,
    metrics: { register: (metric) => void metrics.set(metric.name, metric) },
    upkeep: true,
  });
  const metric = (name: string) =>
    (metrics.get(name)?.collect() ?? []).reduce((sum, { value }) => sum + value, 0);
  return { store, log, metric };
}
