import { expect, test } from 'vitest';
import { DurationHistogram, type Metric } from '../../src/pkg/metrics.ts';
import { MetricSet } from '../../src/server/metric-set.ts';

function gauge(name: string, read: () => number): Metric {
  return { name, help: 'A number.', type: 'gauge', collect: () => [{ labels: {}, value: read() }] };
}

/** The lines of the metrics whose names begin with `chihaya_`. */
async function ownLines(metrics: MetricSet): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => /^(# (HELP|TYPE) )?chihaya_/.test(line));
}

test('gauges are read when somebody asks', async () => {
  const metrics = new MetricSet();
  let value = 1;
  metrics.register(gauge('chihaya_a', () => value));
  expect(await ownLines(metrics)).toEqual([
    '# HELP chihaya_a A number.',
    '# TYPE chihaya_a gauge',
    'chihaya_a 1',
  ]);
  value = 2.5;
  metrics.register(gauge('chihaya_b', () => 0));
  expect(await ownLines(metrics)).toContain('chihaya_a 2.5');
  expect(await ownLines(metrics)).toContain('chihaya_b 0');
});

test('histograms have buckets, sum and count, and labels are escaped', async () => {
  const metrics = new MetricSet();
  const histogram = new DurationHistogram();
  histogram.record(0, 0);
  histogram.record(0, 20);
  histogram.record(0, 5_000);
  metrics.register({
    name: 'chihaya_d',
    help: 'Times.',
    type: 'histogram',
    collect: () => histogram.samples(0, { error: 'a "b"\\' }),
  });
  const error = 'error="a \\"b\\"\\\\"';
  expect(await ownLines(metrics)).toEqual([
    '# HELP chihaya_d Times.',
    '# TYPE chihaya_d histogram',
    `chihaya_d_bucket{${error},le="9.375"} 1`,
    `chihaya_d_bucket{${error},le="18.75"} 1`,
    ...[37.5, 75, 150, 300, 600, 1200, 2400, 4800].map((le) => `chihaya_d_bucket{${error},le="${le}"} 2`),
    `chihaya_d_bucket{${error},le="+Inf"} 3`,
    `chihaya_d_sum{${error}} 5020`,
    `chihaya_d_count{${error}} 3`,
  ]);
});

test('the process is described once, however many sets there are', async () => {
  const [first, second] = [new MetricSet(), new MetricSet()];
  first.register(gauge('chihaya_first', () => 1));
  for (const metrics of [first, second]) {
    const text = await metrics.text();
    expect(text.match(/^process_resident_memory_bytes /gm)).toHaveLength(1);
    expect(text.match(/^nodejs_eventloop_lag_seconds /gm)).toHaveLength(1);
    expect(text.endsWith('\n')).toBe(true);
  }
  expect(await second.text()).not.toContain('chihaya_first');
});

test('a name is registered once', () => {
  const metrics = new MetricSet();
  metrics.register(gauge('chihaya_a', () => 1));
  expect(() => metrics.register(gauge('chihaya_a', () => 2))).toThrow(
    'the metric chihaya_a is registered twice',
  );
});

test('the processor time is that since the process began', async () => {
  const before = process.cpuUsage();
  const text = await new MetricSet().text();
  const total = Number(/^process_cpu_seconds_total ([\d.]+)/m.exec(text)?.[1]);
  // What this file's loading alone took is more than nothing.
  expect(total).toBeGreaterThan(((before.user + before.system) / 1e6) * 0.5);
  const after = process.cpuUsage();
  expect(total).toBeLessThanOrEqual((after.user + after.system) / 1e6 + 0.05);
});
