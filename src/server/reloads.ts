/** Reloads, one at a time, and what is measured of them. */

import type { Clock } from '../pkg/clock.ts';
import type { MetricRegistry } from '../pkg/metrics.ts';

type Result = 'success' | 'failure';

export class Reloads {
  readonly #reload: () => Promise<void>;
  readonly #clock: Clock;
  readonly #counts: Record<Result, number> = { success: 0, failure: 0 };
  /** Milliseconds since 1970. The start counts as a success. */
  readonly #latest: Record<Result, number>;
  #underWay: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(reload: () => Promise<void>, { clock, metrics }: { clock: Clock; metrics: MetricRegistry }) {
    this.#reload = reload;
    this.#clock = clock;
    this.#latest = { success: clock.now(), failure: 0 };
    const samples = (values: Record<Result, number>, scale: number) => () =>
      Object.entries(values).map(([result, value]) => ({ labels: { result }, value: value / scale }));
    metrics.register({
      name: 'chihaya_reloads_total',
      help: 'Reloads of the configuration, and those that changed nothing because of a mistake',
      type: 'counter',
      collect: samples(this.#counts, 1),
    });
    metrics.register({
      name: 'chihaya_last_reload_timestamp_seconds',
      help: 'When the configuration was last loaded, and when that last failed (0: never)',
      type: 'gauge',
      collect: samples(this.#latest, 1000),
    });
  }

  /** The one that is under way. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay;
  }

  /**
   * Settles as a reload does that has begun after the call. While one is under way, all that are asked for are one, which
   * follows it.
   */
  request(): Promise<void> {
    if (!this.#underWay) return this.#run();
    this.#next ??= this.#underWay
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#run();
      });
    return this.#next;
  }

  #run(): Promise<void> {
    this.#underWay = this.#runOnce().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #runOnce(): Promise<void> {
    let result: Result = 'failure';
    try {
      await this.#reload();
      result = 'success';
    } finally {
      this.#counts[result]++;
      this.#latest[result] = this.#clock.now();
    }
  }
}
