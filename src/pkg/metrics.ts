/**
 * Metrics as the tracker's components keep them: numbers in typed arrays, or functions that read
 * them, looked at only when somebody scrapes. The metrics server translates them for Prometheus.
 */

/** One line of a scrape: a value under its labels. `suffix` is `_bucket`, `_sum` or `_count` of a histogram. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  collect(): Sample[];
}

/** A metric that is one number, without labels. */
export function single(name: string, type: 'counter' | 'gauge', help: string, value: () => number): Metric {
  return { name, type, help, collect: () => [{ labels: {}, value: value() }] };
}

/** Where a component leaves its metrics. */
export interface MetricRegistry {
  register(metric: Metric): void;
}

/** The bounds of the original's histograms in milliseconds: 9.375 · 2^k, k = 0…9. */
export const DURATION_BUCKETS: readonly number[] = Array.from({ length: 10 }, (_, k) => 9.375 * 2 ** k);

/** Values a row: ten buckets (not cumulative), those above the last bound, and the sum. */
const ROW = DURATION_BUCKETS.length + 2;
const SUM = ROW - 1;

/** Durations by row; what a row means is its owner's affair. Recording one is a few array accesses. */
export class DurationHistogram {
  #rows: Float64Array;

  constructor(rows = 1) {
    this.#rows = new Float64Array(rows * ROW);
  }

  record(row: number, milliseconds: number): void {
    if ((row + 1) * ROW > this.#rows.length) this.#grow(row + 1);
    let bucket = 0;
    while (bucket < DURATION_BUCKETS.length && milliseconds > (DURATION_BUCKETS[bucket] as number)) bucket++;
    const at = row * ROW;
    this.#rows[at + bucket] = (this.#rows[at + bucket] as number) + 1;
    this.#rows[at + SUM] = (this.#rows[at + SUM] as number) + milliseconds;
  }

  /** The Prometheus form of a row, cumulative; empty for a row that nothing was recorded in. */
  samples(row: number, labels: Readonly<Record<string, string>>): Sample[] {
    const values = this.#rows.subarray(row * ROW, (row + 1) * ROW);
    const samples: Sample[] = [];
    let count = 0;
    for (let i = 0; i < DURATION_BUCKETS.length; i++) {
      count += values[i] ?? 0;
      samples.push({
        suffix: '_bucket',
        labels: { ...labels, le: String(DURATION_BUCKETS[i]) },
        value: count,
      });
    }
    count += values[DURATION_BUCKETS.length] ?? 0;
    if (count === 0) return [];
    samples.push({ suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count });
    samples.push({ suffix: '_sum', labels, value: values[SUM] ?? 0 });
    samples.push({ suffix: '_count', labels, value: count });
    return samples;
  }

  #grow(rows: number): void {
    const grown = new Float64Array(rows * 2 * ROW);
    grown.set(this.#rows);
    this.#rows = grown;
  }
}
