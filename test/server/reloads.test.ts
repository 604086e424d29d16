/** Reloads one at a time, counted. */

import { expect, test } from 'vitest';
import { MetricSet } from '../../src/server/metric-set.ts';
import { Reloads } from '../../src/server/reloads.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** Reloads that end when the test says so. */
function reloads() {
  const ends: { succeed: () => void; fail: () => void }[] = [];
  const metrics = new MetricSet();
  const clock = new ManualClock(1_000_000);
  const reload = () =>
    new Promise<void>((resolve, reject) => {
      ends.push({ succeed: resolve, fail: () => reject(new Error('a mistake')) });
    });
  const values = (name: string) =>
    Object.fromEntries(
      metrics
        .report()
        .filter((report) => report.name === name)
        .flatMap(({ samples }) => samples)
        .map(({ labels, value }) => [labels.result, value]),
    );
  return { ends, clock, values, reloads: new Reloads(reload, { clock, metrics }) };
}

test('those asked for during one are one more, after it', async () => {
  const { ends, reloads: queue, values } = reloads();
  const first = queue.request();
  const later = [queue.request(), queue.request(), queue.request()];
  expect(ends).toHaveLength(1);
  ends[0]?.succeed();
  await first;
  await expect.poll(() => ends.length).toBe(2);
  const last = queue.request();
  ends[1]?.succeed();
  await Promise.all(later);
  await expect.poll(() => ends.length).toBe(3);
  ends[2]?.succeed();
  await last;
  expect(ends).toHaveLength(3);
  expect(queue.underWay).toBeUndefined();
  expect(values('chihaya_reloads_total')).toEqual({ success: 3, failure: 0 });
});

test('one that fails is told to who asked for it, and does not keep the next', async () => {
  const { ends, clock, reloads: queue, values } = reloads();
  expect(values('chihaya_last_reload_timestamp_seconds')).toEqual({ success: 1000, failure: 0 });
  clock.advance(5000);
  const first = queue.request();
  const second = queue.request();
  ends[0]?.fail();
  await expect(first).rejects.toThrow('a mistake');
  expect(values('chihaya_last_reload_timestamp_seconds')).toEqual({ success: 1000, failure: 1005 });
  await expect.poll(() => ends.length).toBe(2);
  clock.advance(5000);
  ends[1]?.succeed();
  await second;
  expect(values('chihaya_last_reload_timestamp_seconds')).toEqual({ success: 1010, failure: 1005 });
  expect(values('chihaya_reloads_total')).toEqual({ success: 1, failure: 1 });
});
