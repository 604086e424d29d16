import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/pkg/duration.ts';

describe('parseDuration', () => {
  test.each([
    ['30m', 1_800_000],
    ['1h15m', 4_500_000],
    ['1h15m30.918273645s', 4_530_918.273645],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['5.s', 5_000],
    ['500ms', 500],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['250μs', 0.25],
    ['1ns', 0.000001],
    ['0', 0],
    ['-0', -0],
    ['+5s', 5_000],
    ['-1m30s', -90_000],
    ['2m1h', 3_720_000],
  ])('%s', (text, milliseconds) => expect(parseDuration(text)).toBeCloseTo(milliseconds, 9));

  test.each(['', ' ', '5', '-', '.s', 's', '1 m', '1m ', '1d', '1M', '1e3s', '0x1s', '--1s', '1m-1s', 'NaN'])(
    'refuses %j',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [1_800_000, '30m'],
    [4_500_000, '1h15m'],
    [500, '500ms'],
    [1_500, '1s500ms'],
    [-90_000, '-1m30s'],
    [0.25, '250us'],
    [0.000001, '1ns'],
  ])('%d', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

  test('what it writes is read as the same time', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBeCloseTo(milliseconds, 6);
      }),
    );
  });
});
