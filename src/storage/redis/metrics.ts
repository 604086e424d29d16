/** What the Redis store measures beside what every store does. Listed in docs/metrics.md. */

import { DurationHistogram, type MetricRegistry, single } from '../../pkg/metrics.ts';

/** What Redis is asked for. */
export const OPERATIONS = ['announce', 'store', 'scrape', 'collect', 'totals'] as const;

export type Operation = (typeof OPERATIONS)[number];

/** Why a request failed: Redis could not be reached, did not answer in time, refused; or too many were waiting. */
export const FAULTS = ['connection', 'timeout', 'reply', 'overload'] as const;

export type Fault = (typeof FAULTS)[number];

export class RedisMetrics {
  reconnects = 0;
  /** By how much counters were wrong that a collection has put right. */
  repaired = 0;
  readonly #durations = new DurationHistogram(OPERATIONS.length);
  readonly #faults = new Map<Fault, number>(FAULTS.map((fault) => [fault, 0]));

  /** @param ready whether this thread's connection is in use */
  register(registry: MetricRegistry, ready: () => boolean): void {
    registry.register({
      name: 'chihaya_redis_request_duration_milliseconds',
      help: 'The time it takes Redis to answer a request, in milliseconds',
      type: 'histogram',
      collect: () => OPERATIONS.flatMap((operation, row) => this.#durations.samples(row, { operation })),
    });
    registry.register({
      name: 'chihaya_redis_errors_total',
      help: 'Requests to Redis that failed',
      type: 'counter',
      collect: () => [...this.#faults].map(([error, value]) => ({ labels: { error }, value })),
    });
    const reconnects = 'Connections to Redis made after one was lost';
    registry.register(single('chihaya_redis_reconnects_total', 'counter', reconnects, () => this.reconnects));
    const usable = 'Threads whose connection to Redis can be used';
    registry.register(single('chihaya_redis_ready', 'gauge', usable, () => (ready() ? 1 : 0)));
    const repaired = 'By how much counters in Redis were wrong that a collection has put right';
    registry.register(single('chihaya_redis_repaired_total', 'counter', repaired, () => this.repaired));
  }

  answered(operation: Operation, milliseconds: number): void {
    this.#durations.record(OPERATIONS.indexOf(operation), milliseconds);
  }

  failed(fault: Fault): void {
    this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }
}
