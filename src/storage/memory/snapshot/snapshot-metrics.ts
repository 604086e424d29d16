/** What snapshots measure. Registered in any case; without snapshots there are no samples. */

import type { Clock } from '../../../pkg/clock.ts';
import { DurationHistogram, type MetricRegistry, type Sample } from '../../../pkg/metrics.ts';

export class SnapshotMetrics {
  readonly #clock: Clock;
  readonly #durations = new DurationHistogram();
  /** Of the last whole snapshot: when it was begun, in milliseconds since 1970, and its length. */
  #begun: number | undefined;
  #bytes = 0;
  #failedReads = 0;
  #failedWrites = 0;

  /** @param enabled whether snapshots are written */
  constructor(registry: MetricRegistry, clock: Clock, enabled: boolean) {
    this.#clock = clock;
    registry.register({
      name: 'chihaya_storage_snapshot_age_seconds',
      help: 'Time since the last whole snapshot was begun',
      type: 'gauge',
      collect: () => this.#last((begun) => Math.max(0, (this.#clock.now() - begun) / 1000)),
    });
    registry.register({
      name: 'chihaya_storage_snapshot_bytes',
      help: 'Length of the last whole snapshot',
      type: 'gauge',
      collect: () => this.#last(() => this.#bytes),
    });
    registry.register({
      name: 'chihaya_storage_snapshot_duration_milliseconds',
      help: 'The time it takes to write a snapshot, in milliseconds',
      type: 'histogram',
      collect: () => this.#durations.samples(0, {}),
    });
    registry.register({
      name: 'chihaya_storage_snapshot_failures_total',
      help: 'Snapshots that could not be written or were not used',
      type: 'counter',
      collect: () => (enabled ? this.#failures() : []),
    });
  }

  /** There is a whole snapshot. */
  tell(begun: number, bytes: number): void {
    this.#begun = begun;
    this.#bytes = bytes;
  }

  countWrite(milliseconds: number): void {
    this.#durations.record(0, milliseconds);
  }

  countFailedWrite(): void {
    this.#failedWrites++;
  }

  countFailedRead(): void {
    this.#failedReads++;
  }

  #last(value: (begun: number) => number): Sample[] {
    return this.#begun === undefined ? [] : [{ labels: {}, value: value(this.#begun) }];
  }

  #failures(): Sample[] {
    return [
      { labels: { operation: 'read' }, value: this.#failedReads },
      { labels: { operation: 'write' }, value: this.#failedWrites },
    ];
  }
}
