import { expect, test } from 'vitest';
import { Latencies } from '../../bench/load/latencies.ts';
import { median } from '../../bench/support/statistics.ts';

test('the median of an odd and of an even number of values', () => {
  expect(median([10, 9, 100])).toBe(10);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test('quantiles in microseconds, the longest cut to 200 ms', () => {
  const latencies = new Latencies();
  for (let us = 1; us <= 99; us++) latencies.record(us / 1000 + 0.0001);
  latencies.record(1000);
  expect(latencies.quantile(0.5)).toBe(50);
  expect(latencies.quantile(0.99)).toBe(99);
  expect(latencies.quantile(0.999)).toBe(199_999);
});
