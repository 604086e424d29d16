/**
 * `chihaya_event_loop_delay_seconds`: how late a thread that serves clients is with what it should do. What waits in
 * its sockets waits as long.
 */

import { createHistogram } from 'node:perf_hooks';
import type { MetricRegistry } from '../pkg/metrics.ts';
import type { Closers } from './closers.ts';

/** Milliseconds between two looks at the clock. */
const INTERVAL = 20;

const NANOSECONDS = 1e6;

const PERCENTILES = [50, 99, 100];

/** @param worker its number, or 1 if there is but one thread */
export function registerEventLoopMetrics(registry: MetricRegistry, worker: number, closers: Closers): void {
  // Not monitorEventLoopDelay: it leaves out what a thread does right after the figures were read.
  const histogram = createHistogram();
  let due = performance.now() + INTERVAL;
  const timer = setInterval(() => {
    const now = performance.now();
    histogram.record(Math.max(Math.round((now - due) * NANOSECONDS), 1));
    due = now + INTERVAL;
  }, INTERVAL).unref();
  closers.push(() => clearInterval(timer));
  registry.register({
    name: 'chihaya_event_loop_delay_seconds',
    help: 'How late each worker is, since the last scrape',
    type: 'gauge',
    collect() {
      const samples = PERCENTILES.map((percentile) => ({
        labels: { worker: String(worker), percentile: String(percentile) },
        value: histogram.count > 0 ? histogram.percentile(percentile) / NANOSECONDS / 1000 : 0,
      }));
      histogram.reset();
      return samples;
    },
  });
}
