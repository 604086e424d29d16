/** The parts of the view that tell of the tracker itself. What it has no metrics for is left out. */

import type { Change } from './change.ts';
import { bytes, milliseconds, rate, whole } from './numbers.ts';
import { protocolsOf } from './responses.ts';
import { flow, type Section } from './section.ts';

export function swarms(change: Change, width: number): Section {
  const counts = gauges(change, [
    ['chihaya_storage_infohashes_count', 'swarms', whole],
    ['chihaya_storage_seeders_count', 'seeders', whole],
    ['chihaya_storage_leechers_count', 'leechers', whole],
  ]);
  const memory = gauges(change, [
    ['chihaya_storage_used_bytes', 'used', bytes],
    ['chihaya_storage_reserved_bytes', 'reserved', bytes],
  ]);
  const snatches = change.now.has('chihaya_storage_snatches_total')
    ? [`snatches ${rate(change.rate('chihaya_storage_snatches_total'))}/s`]
    : [];
  return { title: 'SWARMS', lines: [...flow(counts, width), ...flow([...snatches, ...memory], width)] };
}

/** The threads that serve; the delay is that of their event loops. */
export function workers(change: Change, width: number): Section {
  const delays = new Map<string, string[]>();
  for (const { labels, value } of change.now.get('chihaya_event_loop_delay_seconds') ?? []) {
    const worker = labels.get('worker') ?? '';
    const percentile = labels.get('percentile') ?? '';
    const name = percentile === '100' ? 'max' : `p${percentile}`;
    delays.set(worker, [...(delays.get(worker) ?? []), `${name} ${milliseconds(1_000 * value)}`]);
  }
  const lines = [...delays].map(
    ([worker, of]) => `worker ${worker.padEnd(3)} loop delay ms  ${of.join('  ')}`,
  );
  const threads = gauges(change, [
    ['chihaya_workers', 'serving', whole],
    ['chihaya_worker_restarts_total', 'restarts', whole],
  ]);
  const lag = change.gauge('nodejs_eventloop_lag_p99_seconds');
  if (lines.length === 0 && lag !== undefined) {
    threads.push(`loop delay ms p99 ${milliseconds(1_000 * lag)}`);
  }
  return {
    title: 'WORKERS',
    lines: [...flow(threads, width), ...lines],
    elastic: true,
    alarm: change.rate('chihaya_worker_restarts_total') > 0,
  };
}

export function processOf(change: Change, width: number): Section {
  const cpu = change.now.has('process_cpu_seconds_total')
    ? [`cpu ${Math.round(100 * change.rate('process_cpu_seconds_total'))}%`]
    : [];
  const state = gauges(change, [
    ['process_resident_memory_bytes', 'memory', bytes],
    ['nodejs_heap_size_used_bytes', 'heap', bytes],
    ['process_open_fds', 'descriptors', whole],
    ['chihaya_http_connections', 'connections', whole],
  ]);
  const traffic = protocolsOf(change).flatMap((protocol) => {
    const name = (way: string) => `chihaya_${protocol}_${way}_bytes_total`;
    if (!change.now.has(name('received'))) return [];
    const [into, out] = [change.rate(name('received')), change.rate(name('sent'))];
    return [`${protocol} in ${bytes(into)}/s out ${bytes(out)}/s`];
  });
  return { title: 'PROCESS', lines: [...flow([...cpu, ...state], width), ...flow(traffic, width)] };
}

type Told = readonly [metric: string, name: string, tell: (value: number) => string];

function gauges(change: Change, told: readonly Told[]): string[] {
  return told.flatMap(([metric, name, tell]) => {
    const value = change.gauge(metric);
    return value === undefined ? [] : [`${name} ${tell(value)}`];
  });
}
