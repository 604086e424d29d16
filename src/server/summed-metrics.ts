/** The metrics of all threads as one. */

import { counted, type MetricReport, type MetricsSource, sumReports } from './metric-report.ts';
import { formatMetrics, type MetricSet } from './metric-set.ts';
import type { WorkerThread } from './worker-thread.ts';

/** How long a worker may take to answer, in milliseconds; after that its last answer is used. */
const PATIENCE = 1_000;

export class SummedMetrics implements MetricsSource {
  readonly #own: MetricSet;
  readonly #threads: () => readonly WorkerThread[];
  /** What workers had counted that are gone: counters never fall. */
  #retired: MetricReport[] = [];

  constructor(own: MetricSet, threads: () => readonly WorkerThread[]) {
    this.#own = own;
    this.#threads = threads;
  }

  /** Keeps what a worker that has ended counted; what it measured of the moment ends with it. */
  retire(reports: readonly MetricReport[]): void {
    this.#retired = sumReports([...this.#retired, ...counted(reports)]);
  }

  async text(): Promise<string> {
    await Promise.all(this.#threads().map((thread) => thread.measure(PATIENCE)));
    const reports = this.#threads().flatMap(({ alive, reports }) => (alive ? reports : counted(reports)));
    return formatMetrics(sumReports([...this.#own.report(), ...reports, ...this.#retired]));
  }
}
