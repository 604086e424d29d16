/**
 * The metrics of parts that belong together, such as the hooks of a configuration. Two hooks of one kind register under
 * the same names, which a MetricSet refuses: theirs are added up.
 */

import type { Metric, MetricRegistry } from '../pkg/metrics.ts';
import { type MetricReport, sumReports } from './metric-report.ts';
import { reportOf } from './metric-set.ts';

export class SummingRegistry implements MetricRegistry {
  readonly #metrics: Metric[] = [];

  register(metric: Metric): void {
    this.#metrics.push(metric);
  }

  report(): MetricReport[] {
    return sumReports(this.#metrics.map(reportOf));
  }
}
