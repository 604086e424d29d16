/**
 * What metrics say at one moment: plain data, so that one thread can send it to another and several
 * threads' can be summed.
 */

import type { Metric, Sample } from '../pkg/metrics.ts';

export interface MetricReport {
  readonly name: string;
  readonly help: string;
  readonly type: Metric['type'];
  readonly samples: readonly Sample[];
}

/** Where the metrics server gets its text from. */
export interface MetricsSource {
  /** Everything in the Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

/** One report a name: samples of the same suffix and labels are added up, gauges too. */
export function sumReports(reports: Iterable<MetricReport>): MetricReport[] {
  const sums = new Map<string, { readonly report: MetricReport; readonly samples: Map<string, Sample> }>();
  for (const report of reports) {
    let sum = sums.get(report.name);
    if (!sum) {
      sum = { report, samples: new Map() };
      sums.set(report.name, sum);
    }
    for (const sample of report.samples) {
      const key = identity(sample);
      const value = (sum.samples.get(key)?.value ?? 0) + sample.value;
      sum.samples.set(key, { ...sample, value });
    }
  }
  return [...sums.values()].map(({ report, samples }) => ({ ...report, samples: [...samples.values()] }));
}

/** Without what was true of a moment that is over. */
export function counted(reports: readonly MetricReport[]): MetricReport[] {
  return reports.filter(({ type }) => type !== 'gauge');
}

function identity({ suffix, labels }: Sample): string {
  const pairs = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([suffix, pairs]);
}
