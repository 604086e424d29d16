/** What a generator prints when it is done: one line of JSON. */

import { print } from '../support/print.ts';
import type { Latencies } from './latencies.ts';

export interface Counts {
  /** Seconds. */
  elapsed: number;
  sent: number;
  /** Answers that are no errors. */
  received: number;
  errors: number;
  /** Requests that no answer came to. */
  lost: number;
  /** In all answers. */
  peers: number;
  bytes: number;
  /** The text of the first error. */
  error: string;
}

export interface Report {
  readonly rps: number;
  readonly recv: number;
  readonly sent: number;
  readonly errors: number;
  readonly lost: number;
  readonly peers_per: number;
  readonly mbit: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  readonly err: string;
}

export function newCounts(): Counts {
  return { elapsed: 0, sent: 0, received: 0, errors: 0, lost: 0, peers: 0, bytes: 0, error: '' };
}

export function printReport(counts: Counts, latencies: Latencies): void {
  const report: Report = {
    rps: Math.round(counts.received / counts.elapsed),
    recv: counts.received,
    sent: counts.sent,
    errors: counts.errors,
    lost: counts.lost,
    peers_per: counts.received === 0 ? 0 : Number((counts.peers / counts.received).toFixed(1)),
    mbit: Math.round((counts.bytes * 8) / counts.elapsed / 1e6),
    p50_us: latencies.quantile(0.5),
    p99_us: latencies.quantile(0.99),
    p999_us: latencies.quantile(0.999),
    err: counts.error,
  };
  print(JSON.stringify(report));
}
