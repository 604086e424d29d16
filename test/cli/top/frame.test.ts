/** What `chihaya top` draws. */

import { describe, expect, test } from 'vitest';
import { frame } from '../../../src/cli/top/frame.ts';
import { parseMetrics } from '../../../src/cli/top/prometheus-text.ts';
import { Watch } from '../../../src/cli/top/watch.ts';

const URL = 'http://127.0.0.1:6880/metrics';

/** A tracker that has answered `n` thousand announces and refused as many of each of 12 errors. */
function metricsAfter(n: number, started = 1_000): string {
  const count = 'chihaya_udp_response_duration_milliseconds_count';
  return [
    `process_start_time_seconds ${started}`,
    `process_cpu_seconds_total ${n / 4}`,
    'process_resident_memory_bytes 104857600',
    'chihaya_build_info{version="3.0.0",node="20.19.0"} 1',
    `${count}{action="announce",address_family="IPv4",error=""} ${1_000 * n}`,
    `${count}{action="connect",address_family="IPv6",error=""} ${n}`,
    ...Array.from(
      { length: 12 },
      (_, i) => `${count}{action="announce",address_family="Unknown",error="error ${i}"} ${n * (i + 1)}`,
    ),
    'chihaya_storage_infohashes_count 1234567',
    'chihaya_storage_seeders_count 5',
    'chihaya_storage_leechers_count 6',
    'chihaya_workers 2',
    'chihaya_worker_restarts_total 0',
    'chihaya_event_loop_delay_seconds{worker="1",percentile="99"} 0.0123',
    'chihaya_event_loop_delay_seconds{worker="2",percentile="100"} 0.5',
  ].join('\n');
}

/** At time 1100, a second after the first look. */
function watched(): Watch {
  const watch = new Watch();
  watch.answered(parseMetrics(metricsAfter(1)), 50, 1_099);
  watch.answered(parseMetrics(metricsAfter(3)), 51, 1_100);
  return watch;
}

function drawn(watch: Watch, columns: number, rows: number, at = 51, time = 1_100): string[] {
  return frame(watch, URL, { columns, rows }, at, time).map((line) =>
    line
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
}

test('before there are rates', () => {
  const watch = new Watch();
  watch.answered(parseMetrics(metricsAfter(1)), 50, 1_099);
  expect(drawn(watch, 80, 24)).toEqual([`chihaya ${URL}`, 'the first look is taken: rates need two']);
});

test('in a terminal of 80 by 24, where errors are too many', () => {
  expect(drawn(watched(), 80, 24)).toEqual([
    `chihaya 3.0.0 ${URL}   up 1m 40s`,
    'rates over 1.0 s',
    'REQUESTS/S        announce    scrape   connect',
    'udp     IPv4         2,000         0         0',
    'udp     IPv6             0         0       2.0',
    'udp     Unknown        156         0         0',
    'all                  2,156         0       2.0',
    'ERRORS/S',
    '      24  udp announce    error 11',
    '      22  udp announce    error 10',
    '      20  udp announce    error 9',
    '      18  udp announce    error 8',
    '      16  udp announce    error 7',
    '      14  udp announce    error 6',
    'and 6 more',
    'LATENCY ms            mean       p50       p99',
    'none: no requests, or enable_request_timing is off',
    'SWARMS',
    'swarms 1,234,567   seeders 5   leechers 6',
    'WORKERS',
    'serving 2   restarts 0',
    'and 2 more',
    'PROCESS',
    'cpu 50%   memory 100 MiB',
  ]);
});

test('in a wide and high one, in two columns', () => {
  const lines = drawn(watched(), 120, 40);
  expect(lines.slice(2, 8)).toEqual([
    '',
    'REQUESTS/S        announce    scrape   connect               LATENCY ms            mean       p50       p99',
    'udp     IPv4         2,000         0         0               none: no requests, or enable_request_timing is off',
    'udp     IPv6             0         0       2.0',
    'udp     Unknown        156         0         0               SWARMS',
    'all                  2,156         0       2.0               swarms 1,234,567   seeders 5   leechers 6',
  ]);
  expect(lines.slice(8, 14).map((line) => line.slice(61))).toEqual([
    '',
    'WORKERS',
    'serving 2   restarts 0',
    'worker 1   loop delay ms  p99 12.3',
    'worker 2   loop delay ms  max 500',
    '',
  ]);
  expect(lines.filter((line) => line.includes('error '))).toHaveLength(12);
});

describe('fits', () => {
  test.each([
    [1, 1],
    [20, 5],
    [80, 24],
    [109, 10],
    [110, 10],
    [300, 100],
  ])('%i by %i', (columns, rows) => {
    const lines = drawn(watched(), columns, rows);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  });
});

test('a tracker that goes away and comes back as another process', () => {
  const watch = watched();
  watch.failed('connect ECONNREFUSED', 52);
  watch.failed('connect ECONNREFUSED', 57);
  const away = drawn(watch, 80, 24, 58, 1_107);
  expect(away.slice(0, 2)).toEqual([
    `chihaya 3.0.0 ${URL}`,
    'NO ANSWER for 6s: connect ECONNREFUSED; below is the last that was seen',
  ]);
  expect(away).toContain('udp     IPv4         2,000         0         0');
  // Up for 4 s, in which 2,000 announces were counted.
  watch.answered(parseMetrics(metricsAfter(2, 1_106)), 61, 1_110);
  const back = drawn(watch, 80, 24, 62, 1_111);
  expect(back.slice(0, 2)).toEqual([
    `chihaya 3.0.0 ${URL}   up 5s`,
    'rates over 4.0 s   STARTED ANEW 1s ago',
  ]);
  expect(back).toContain('udp     IPv4           500         0         0');
  expect(back.join('\n')).not.toMatch(/-\d/);
});

test('one that has never answered', () => {
  const watch = new Watch();
  watch.failed('connect ECONNREFUSED', 52);
  expect(drawn(watch, 80, 24, 53)).toEqual([`chihaya ${URL}`, 'NO ANSWER for 1s: connect ECONNREFUSED']);
});
