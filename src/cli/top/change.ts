/** What has changed between two looks at a tracker. Counters that began anew in between never count backwards. */

import type { Metrics, Sample } from './prometheus-text.ts';

/** The metrics as they were at a time. */
export interface Look {
  readonly metrics: Metrics;
  /** Seconds, of a clock that only goes forward. */
  readonly at: number;
}

/** A start is told in whole seconds. */
const ROUNDING = 1;

export class Change {
  readonly now: Metrics;
  /** How long it took; after a restart, the time since. */
  readonly seconds: number;
  readonly restarted: boolean;
  readonly #before: ReadonlyMap<string, number>;

  /**
   * @param before of the same tracker, perhaps of a process before this one
   * @param time seconds since 1970, of the second look
   */
  constructor(before: Look, now: Look, time: number) {
    this.now = now.metrics;
    const started = startOf(now.metrics);
    this.restarted = started > startOf(before.metrics);
    const passed = now.at - before.at;
    this.seconds = this.restarted ? Math.min(passed, Math.max(time - started, ROUNDING)) : passed;
    this.#before = new Map(
      this.restarted
        ? []
        : [...before.metrics.values()].flat().map(({ series, value }) => [series, value] as const),
    );
  }

  /** By how much the counter has grown; one that fell was set back to 0 meanwhile. */
  increase({ series, value }: Sample): number {
    const before = this.#before.get(series) ?? 0;
    return value >= before ? value - before : value;
  }

  /** Of all samples of a counter that `wanted` takes, added up, a second. */
  rate(name: string, wanted: (labels: Sample['labels']) => boolean = () => true): number {
    return this.sum(name, wanted) / this.seconds;
  }

  /** Of all samples of a counter that `wanted` takes, added up. */
  sum(name: string, wanted: (labels: Sample['labels']) => boolean = () => true): number {
    const samples = this.now.get(name) ?? [];
    return samples.reduce((sum, sample) => sum + (wanted(sample.labels) ? this.increase(sample) : 0), 0);
  }

  /** The gauge, all its samples added up; `undefined` if the tracker has none. */
  gauge(name: string): number | undefined {
    return this.now.get(name)?.reduce((sum, { value }) => sum + value, 0);
  }
}

function startOf(metrics: Metrics): number {
  return metrics.get('process_start_time_seconds')?.[0]?.value ?? 0;
}
