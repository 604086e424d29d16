/**
 * The metrics of one tracker. Components register theirs here; prom-client comes in when somebody
 * reads them, so that nothing of it runs per request, and two trackers in a process share nothing but
 * the process's own `process_*` and `nodejs_*`.
 */

import type { Counter, Registry } from 'prom-client';
import type { Metric, MetricRegistry } from '../pkg/metrics.ts';
import type { MetricReport, MetricsSource } from './metric-report.ts';

/** The media type of what `text` returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export class MetricSet implements MetricRegistry, MetricsSource {
  readonly #metrics = new Map<string, Metric>();
  readonly #included: (() => readonly MetricReport[])[] = [];

  /** @throws Error if there is one of that name */
  register(metric: Metric): void {
    if (this.#metrics.has(metric.name)) throw new Error(`the metric ${metric.name} is registered twice`);
    this.#metrics.set(metric.name, metric);
  }

  /** Has `report` asked as well, for metrics whose names nobody else registers. */
  include(report: () => readonly MetricReport[]): void {
    this.#included.push(report);
  }

  /** What is registered or included, as it stands now. */
  report(): MetricReport[] {
    return [...[...this.#metrics.values()].map(reportOf), ...this.#included.flatMap((report) => report())];
  }

  text(): Promise<string> {
    return formatMetrics(this.report());
  }
}

export function reportOf(metric: Metric): MetricReport {
  const { name, help, type } = metric;
  return { name, help, type, samples: metric.collect() };
}

/** Reports, and the process's own metrics, in the Prometheus text format, version 0.0.4. */
export async function formatMetrics(reports: readonly MetricReport[]): Promise<string> {
  const { Registry } = await import('prom-client');
  const own = new Registry();
  for (const report of reports) own.registerMetric(bridge(report));
  return `${await own.metrics()}\n${await (await processMetrics()).metrics()}`;
}

/** What prom-client's Registry reads of a metric: `get` alone, whatever its type says. */
function bridge({ name, help, type, samples }: MetricReport): Parameters<Registry['registerMetric']>[0] {
  const get = async () => ({
    name,
    help,
    type,
    aggregator: 'sum',
    values: samples.map(({ labels, value, suffix = '' }) => ({ labels, value, metricName: name + suffix })),
  });
  return { name, get } as unknown as Parameters<Registry['registerMetric']>[0];
}

let sharedProcessMetrics: Promise<Registry> | undefined;

/** Memory, processor, event loop and collector of this process: observed once, however many trackers run. */
function processMetrics(): Promise<Registry> {
  sharedProcessMetrics ??= import('prom-client').then(({ Registry, collectDefaultMetrics }) => {
    const register = new Registry();
    collectDefaultMetrics({ register });
    // prom-client counts from here on; what has been used before belongs to the process, too.
    const { user, system } = process.cpuUsage();
    for (const [kind, microseconds] of [
      ['user_', user],
      ['system_', system],
      ['', user + system],
    ] as const) {
      (register.getSingleMetric(`process_cpu_${kind}seconds_total`) as Counter).inc(microseconds / 1e6);
    }
    return register;
  });
  return sharedProcessMetrics;
}
