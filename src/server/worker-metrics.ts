/** Metrics of the threads that serve clients. */

import type { Metric, MetricRegistry } from '../pkg/metrics.ts';

export interface WorkerCounts {
  /** How many serve now. */
  serving(): number;
  /** How many have been started in place of one that died. */
  restarts(): number;
}

export function registerWorkerMetrics(registry: MetricRegistry, counts: WorkerCounts): void {
  const register = (name: string, type: Metric['type'], help: string, value: () => number) =>
    registry.register({ name, type, help, collect: () => [{ labels: {}, value: value() }] });
  register('chihaya_workers', 'gauge', 'Threads that serve clients', () => counts.serving());
  register('chihaya_worker_restarts_total', 'counter', 'Threads started in place of one that died', () =>
    counts.restarts(),
  );
}
