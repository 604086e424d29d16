/** Options of the memory store that change while it is open, as a reload changes them. */

import { expect, it } from 'vitest';
import { silentLogger } from '../../../src/pkg/logger.ts';
import type { Metric } from '../../../src/pkg/metrics.ts';
import { memoryDriver } from '../../../src/storage/memory/driver.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { someInfohash } from '../../support/requests.ts';
import { peer, scrape } from '../../support/store-calls.ts';

const options = (more: object = {}) => memoryDriver.options.parse(more);

it('intervals, lifetime and limits are those of the options it was tuned to last', async () => {
  const clock = new ManualClock();
  const metrics: Metric[] = [];
  const store = await memoryDriver.open(
    options({ gc_interval: '1h', peer_lifetime: '1h', prometheus_reporting_interval: '1h' }),
    {
      clock,
      upkeep: true,
      logger: silentLogger,
      metrics: { register: (metric) => void metrics.push(metric) },
    },
  );
  const seeders = () =>
    metrics.find(({ name }) => name === 'chihaya_storage_seeders_count')?.collect()[0]?.value;
  await store.putSeeder(someInfohash(1), peer(1));
  clock.advance(10_000);
  await store.putSeeder(someInfohash(2), peer(1));
  expect(seeders()).toBe(0);

  memoryDriver.tune?.(
    store,
    options({
      gc_interval: '5ms',
      peer_lifetime: '5s',
      prometheus_reporting_interval: '5ms',
      max_swarms: 2,
    }),
  );
  await expect.poll(() => seeders(), { interval: 5 }).toBe(1);
  expect(await scrape(store, someInfohash(2))).toEqual([1, 0, 0]);
  await store.putSeeder(someInfohash(3), peer(1));
  await store.putSeeder(someInfohash(4), peer(1));
  expect(await scrape(store, someInfohash(4))).toEqual([0, 0, 0]);
  expect(metrics.find(({ name }) => name === 'chihaya_storage_refused_total')?.collect()).toContainEqual({
    labels: { limit: 'swarms' },
    value: 1,
  });
  await store.stop();
});
