/** Metrics of the threads that serve clients. */

import { type MetricRegistry, single } from '../pkg/metrics.ts';

export interface WorkerCounts {
  /** How many serve now. */
  readonly serving: () => number;
  /** How many have been started in place of one that died. */
  readonly restarts: () => number;
}

export function registerWorkerMetrics(registry: MetricRegistry, counts: WorkerCounts): void {
  const restarts = 'Threads started in place of one that died';
  registry.register(single('chihaya_workers', 'gauge', 'Threads that serve clients', counts.serving));
  registry.register(single('chihaya_worker_restarts_total', 'counter', restarts, counts.restarts));
}
