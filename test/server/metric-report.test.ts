import { expect, test } from 'vitest';
import { type MetricReport, sumReports } from '../../src/server/metric-report.ts';

function report(name: string, samples: MetricReport['samples']): MetricReport {
  return { name, help: 'Help.', type: 'counter', samples };
}

test('samples are added up by name, suffix and labels, in whatever order the labels are', () => {
  const sum = sumReports([
    report('a', [
      { labels: { x: '1', y: '2' }, value: 1 },
      { labels: { x: '1', y: '2' }, value: 10, suffix: '_sum' },
    ]),
    report('b', [{ labels: { x: '1', y: '2' }, value: 100 }]),
    report('a', [
      { labels: { y: '2', x: '1' }, value: 2.5 },
      { labels: { x: '1' }, value: 1000 },
      { labels: { x: '1', y: '2' }, value: 20, suffix: '_sum' },
    ]),
  ]);
  expect(sum).toEqual([
    report('a', [
      { labels: { x: '1', y: '2' }, value: 3.5 },
      { labels: { x: '1', y: '2' }, value: 30, suffix: '_sum' },
      { labels: { x: '1' }, value: 1000 },
    ]),
    report('b', [{ labels: { x: '1', y: '2' }, value: 100 }]),
  ]);
});

test('labels cannot be made to look like others', () => {
  const values = (...labels: Record<string, string>[]) =>
    sumReports([
      report(
        'a',
        labels.map((each) => ({ labels: each, value: 1 })),
      ),
    ])[0]?.samples.map(({ value }) => value);
  expect(values({ x: '1","y":"2' }, { x: '1', y: '2' })).toEqual([1, 1]);
  expect(values({}, { __proto__: 'x' } as never, { constructor: '' }, {})).toEqual([3, 1]);
});

test('a metric without samples stays, and nothing that is summed is changed', () => {
  const one = report('a', [{ labels: {}, value: 1 }]);
  expect(sumReports([report('none', []), one, one])).toEqual([
    report('none', []),
    report('a', [{ labels: {}, value: 2 }]),
  ]);
  expect(one.samples[0]?.value).toBe(1);
});
