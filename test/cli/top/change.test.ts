/** What `chihaya top` makes of two answers of a metrics server. */

import { expect, test } from 'vitest';
import { Change } from '../../../src/cli/top/change.ts';
import { parseMetrics } from '../../../src/cli/top/prometheus-text.ts';
import { errorRates, familiesOf, latencies, requestRate } from '../../../src/cli/top/responses.ts';

const COUNT = 'chihaya_udp_response_duration_milliseconds_count';

/** `seconds` between the two; what is read at the second is told as of time 2000. */
function change(before: string, now: string, seconds = 2): Change {
  return new Change(
    { metrics: parseMetrics(before), at: 10 },
    { metrics: parseMetrics(now), at: 10 + seconds },
    2_000,
  );
}

test('the text format: comments, labels, escapes, values that are none', () => {
  const metrics = parseMetrics(
    [
      '# HELP a What it is',
      '# TYPE a counter',
      'a 1',
      'a{x="1,2",y="say \\"\\\\\\n"} 2.5e3 1395066363000',
      'b{le="+Inf"} +Inf',
      'c NaN',
      'c Nan',
      'not a metric at all',
      '',
    ].join('\n'),
  );
  expect([...metrics.keys()]).toEqual(['a', 'b']);
  expect(metrics.get('a')).toEqual([
    { labels: new Map(), value: 1, series: 'a' },
    {
      labels: new Map([
        ['x', '1,2'],
        ['y', 'say "\\ '],
      ]),
      value: 2500,
      series: 'a{x="1,2",y="say \\"\\\\\\n"}',
    },
  ]);
  expect(metrics.get('b')?.[0]?.value).toBe(Number.POSITIVE_INFINITY);
});

test('control characters of a label do not reach the terminal', () => {
  const [sample] = parseMetrics('a{x="\x1b[2J\x9b1m"} 1').get('a') ?? [];
  expect(sample?.labels.get('x')).toBe('?[2J?1m');
});

test('rates are what was counted in the time between', () => {
  const { seconds, restarted } = change('c 10', 'c 30');
  expect([seconds, restarted]).toEqual([2, false]);
  expect(change('c 10', 'c 30').rate('c')).toBe(10);
  // A series that was not there before has counted from 0.
  expect(change('c{a="x"} 1', 'c{a="x"} 1\nc{a="y"} 8').rate('c')).toBe(4);
  expect(change('c 1', 'c 1').rate('unknown')).toBe(0);
});

test('a counter that was set back counts from 0, and never backwards', () => {
  expect(change('c 1000', 'c 6').rate('c')).toBe(3);
});

test('after a restart the rates are those since then', () => {
  const start = (time: number, count: number) => `process_start_time_seconds ${time}\nc ${count}\n`;
  // 4 of the 60 seconds: the counter is higher than before and has begun anew all the same.
  const restarted = change(start(1_000, 50), start(1_996, 80), 60);
  expect([restarted.restarted, restarted.seconds, restarted.rate('c')]).toEqual([true, 4, 20]);
  expect(change(start(1_000, 50), start(1_000, 80)).restarted).toBe(false);
  // It began in this very second: no division by next to nothing.
  expect(change(start(1_000, 50), start(2_000, 80), 60).seconds).toBe(1);
});

test('requests by family, and errors by text', () => {
  const before = '';
  const now = `
${COUNT}{action="announce",address_family="IPv4",error=""} 10
${COUNT}{action="announce",address_family="IPv4",error="bad connection ID"} 4
${COUNT}{action="announce",address_family="IPv6",error="bad connection ID"} 2
${COUNT}{action="scrape",address_family="Unknown",error="malformed"} 20
chihaya_http_response_duration_milliseconds_count{action="announce",address_family="IPv4",error="bad connection ID"} 1
`;
  const between = change(before, now);
  expect(familiesOf(between, 'udp')).toEqual(['IPv4', 'IPv6', 'Unknown']);
  expect(requestRate(between, 'udp', 'announce', 'IPv4')).toBe(7);
  expect(errorRates(between)).toEqual([
    { protocol: 'udp', action: 'scrape', text: 'malformed', rate: 10 },
    { protocol: 'udp', action: 'announce', text: 'bad connection ID', rate: 3 },
    { protocol: 'http', action: 'announce', text: 'bad connection ID', rate: 0.5 },
  ]);
});

test('latencies of the interval alone, by the bounds of buckets', () => {
  const histogram = (counts: readonly number[], sum: number) =>
    ['9.375', '18.75', '+Inf']
      .map(
        (le, i) =>
          `chihaya_udp_response_duration_milliseconds_bucket{action="announce",le="${le}"} ${counts[i]}`,
      )
      .concat(
        `chihaya_udp_response_duration_milliseconds_sum{action="announce"} ${sum}`,
        `${COUNT}{action="announce"} ${counts[2]}`,
      )
      .join('\n');
  expect(latencies(change(histogram([100, 100, 100], 9), histogram([200, 299, 300], 609)))).toEqual([
    {
      protocol: 'udp',
      action: 'announce',
      mean: 3,
      p50: { bound: 9.375, beyond: false },
      p99: { bound: 18.75, beyond: false },
    },
  ]);
  const [slow] = latencies(change(histogram([0, 0, 0], 0), histogram([0, 0, 10], 90_000)));
  expect(slow?.p50).toEqual({ bound: 18.75, beyond: true });
  // Without timing every request counts as 0 ms.
  expect(latencies(change(histogram([1, 1, 1], 0), histogram([9, 9, 9], 0)))).toEqual([]);
});
