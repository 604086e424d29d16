/**
 * The metrics of parts that come and go with reloads: hooks, and frontends. Counters never fall: what a part has
 * counted stays in the sum when it is gone.
 */

import { counted, type MetricReport, sumReports } from './metric-report.ts';
import type { SummingRegistry } from './summing-registry.ts';

export class PartMetrics {
  readonly #serving = new Set<SummingRegistry>();
  readonly #leaving = new Set<SummingRegistry>();
  #gone: MetricReport[] = [];

  add(part: SummingRegistry): void {
    this.#serving.add(part);
  }

  /** It still counts, while it ends what is under way; what it measures of the moment is no longer of interest. */
  leave(part: SummingRegistry): void {
    this.#serving.delete(part);
    this.#leaving.add(part);
  }

  /** It counts no more. */
  remove(part: SummingRegistry): void {
    this.#leaving.delete(part);
    this.#gone = sumReports([...this.#gone, ...counted(part.report())]);
  }

  report(): MetricReport[] {
    return sumReports([
      ...[...this.#serving].flatMap((part) => part.report()),
      ...[...this.#leaving].flatMap((part) => counted(part.report())),
      ...this.#gone,
    ]);
  }
}
