/**
 * The metrics of one tracker. Components register theirs here; prom-client comes in when somebody
 * reads them, so that nothing of it runs per request, and two trackers in a process share nothing but
 * the process's own `process_*` and `nodejs_*`.
 */

import type { Registry } from 'prom-client';
import type { Metric, MetricRegistry } from '../pkg/metrics.ts';

/** The media type of what `text` returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export class MetricSet implements MetricRegistry {
  readonly #metrics = new Map<string, Metric>();

  /** @throws Error if there is one of that name */
  register(metric: Metric): void {
    if (this.#metrics.has(metric.name)) throw new Error(`the metric ${metric.name} is registered twice`);
    this.#metrics.set(metric.name, metric);
  }

  /** The names of what is registered, the process's own metrics aside. */
  names(): string[] {
    return [...this.#metrics.keys()];
  }

  /** Everything in the Prometheus text format, version 0.0.4. */
  async text(): Promise<string> {
    const { Registry } = await import('prom-client');
    const own = new Registry();
    for (const metric of this.#metrics.values()) own.registerMetric(bridge(metric));
    return `${await own.metrics()}\n${await (await processMetrics()).metrics()}`;
  }
}

/** What prom-client's Registry reads of a metric: `get` alone, whatever its type says. */
function bridge(metric: Metric): Parameters<Registry['registerMetric']>[0] {
  const { name, help, type } = metric;
  const get = async () => ({
    name,
    help,
    type,
    aggregator: 'sum',
    values: metric
      .collect()
      .map(({ labels, value, suffix = '' }) => ({ labels, value, metricName: name + suffix })),
  });
  return { name, get } as unknown as Parameters<Registry['registerMetric']>[0];
}

let sharedProcessMetrics: Promise<Registry> | undefined;

/** Memory, processor, event loop and collector of this process: observed once, however many trackers run. */
function processMetrics(): Promise<Registry> {
  sharedProcessMetrics ??= import('prom-client').then(({ Registry, collectDefaultMetrics }) => {
    const register = new Registry();
    collectDefaultMetrics({ register });
    return register;
  });
  return sharedProcessMetrics;
}
