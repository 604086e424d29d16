/** Collections: exact counters whatever happens meanwhile, and turns between trackers. */

import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { countersIn, countersOf, dump } from '../../support/redis-dump.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { someInfohash } from '../../support/requests.ts';
import { peer, scrape } from '../../support/store-calls.ts';
import { until } from '../../support/until.ts';
import { type OpenedStore, openStore } from './open-store.ts';

const A = someInfohash('a');

describeWithRedis('the collector of the Redis store', () => {
  let server: RedisServer;
  let clock: ManualClock;
  const opened: OpenedStore[] = [];

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    await server.command('FLUSHALL');
    clock = new ManualClock();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ store }) => store.stop()));
  });

  async function open(config: object = {}): Promise<OpenedStore> {
    const store = await openStore({ redis_broker: server.url, ...config }, clock);
    opened.push(store);
    return store;
  }

  async function expectExactCounters(): Promise<void> {
    const all = await dump(server);
    for (const family of ['IPv4', 'IPv6'] as const) {
      expect(countersIn(all, family), family).toEqual(countersOf(all, family));
    }
  }

  it('removes whom it should from a swarm too large for one step', async () => {
    const { store } = await open();
    const puts = Array.from({ length: 3000 }, (_, n) => store.putLeecher(A, peer(n)));
    await Promise.all(puts);
    clock.advance(10_000);
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.putSeeder(A, peer(6 * n))));
    await store.collectGarbage(clock.now() - 5000);
    expect(await scrape(store, A)).toEqual([500, 0, 0]);
    await expectExactCounters();
    clock.advance(10_000);
    await store.collectGarbage(clock.now());
    expect(await store.totals()).toEqual({ infohashes: 0, seeders: 0, leechers: 0 });
    await expectExactCounters();
  });

  it('puts counters right that an original has let drift, and counts by how much', async () => {
    const { store, metric } = await open();
    for (let n = 0; n < 300; n++) await store.putSeeder(someInfohash(n), peer(n));
    await server.command('INCRBY', 'IPv4_S_count', 7);
    await server.command('DECRBY', 'IPv4_L_count', 2);
    await server.command('SET', 'IPv4_infohash_count', 299);
    await server.command('DEL', 'IPv4_swarm_count');
    await server.command('SET', 'IPv6_L_count', 3);
    await store.collectGarbage(0);
    await expectExactCounters();
    expect(metric('chihaya_redis_repaired_total')).toBe(7 + 2 + 1 + 300 + 3);
    await store.collectGarbage(0);
    expect(metric('chihaya_redis_repaired_total')).toBe(7 + 2 + 1 + 300 + 3);
  });

  it('puts them right while announces go on, of old swarms and of new ones', {
    timeout: 60_000,
  }, async () => {
    const { store, metric } = await open();
    for (let n = 0; n < 400; n++) {
      await Promise.all([0, 1, 2].map((i) => store.putLeecher(someInfohash(n), peer(n + i))));
    }
    await server.command('INCRBY', 'IPv4_S_count', 100);
    await server.command('INCRBY', 'IPv4_L_count', 100);
    let collecting = true;
    let announces = 0;
    const client = async (number: number) => {
      for (let i = 0; collecting; i++) {
        // Swarms that are there, that were deleted, and that nobody has heard of.
        const infohash = someInfohash((i * 7919 + number) % 1200);
        const who = peer((i * 31 + number) % 50);
        if (i % 3 === 0) await store.putSeeder(infohash, who);
        else if (i % 3 === 1) await store.graduateLeecher(infohash, who);
        else {
          await store.deleteSeeder(infohash, who);
          await store.deleteLeecher(infohash, peer((i * 7919 + number) % 400));
        }
        announces++;
      }
    };
    const clients = Array.from({ length: 20 }, (_, number) => client(number));
    await store.collectGarbage(clock.now() - 1000);
    expect(metric('chihaya_redis_repaired_total')).toBe(200);
    expect(announces).toBeGreaterThan(100);
    clock.advance(10_000);
    // Now also garbage: everything not announced since then.
    await store.collectGarbage(clock.now() - 1000);
    collecting = false;
    await Promise.all(clients);
    await expectExactCounters();
    expect(metric('chihaya_redis_repaired_total')).toBe(200);
  });

  it('collects in turns: one of many trackers in an interval', async () => {
    const trackers = await Promise.all(
      Array.from({ length: 4 }, () => open({ gc_interval: '400ms', peer_lifetime: '1s' })),
    );
    await trackers[0]?.store.putSeeder(A, peer(1));
    clock.advance(60_000);
    await until('its swarm to be forgotten', async () => (await server.command('EXISTS', 'IPv4')) === 0);
    await server.command('CONFIG', 'RESETSTAT');
    const start = performance.now();
    // A turn looks through index and snatches once.
    const turns = await until('some turns', async () => {
      const calls = /calls=(\d+)/.exec(await server.info('cmdstat_hscan', 'INFO', 'commandstats'))?.[1];
      return Number(calls) >= 10 && Number(calls) / 2;
    });
    // Each for itself, the four would have taken four times as many.
    expect(turns).toBeLessThanOrEqual((performance.now() - start) / 400 + 2);
  });

  it('goes on after a tracker has died in its turn', async () => {
    const { store } = await open();
    await store.putSeeder(A, peer(1));
    await server.command('SET', 'IPv4_collector', 'a token of the dead', 'PX', 300);
    await server.command('HSET', 'IPv4_collection', 'border', 'ffff', '3', '17');
    clock.advance(10_000);
    await store.collectGarbage(clock.now());
    expect(await scrape(store, A)).toEqual([0, 0, 0]);
    await expectExactCounters();
  });

  it('gives up when another has taken over', async () => {
    const { store, log } = await open();
    for (let n = 0; n < 2000; n++) void store.putSeeder(someInfohash(n), peer(n));
    await store.putSeeder(A, peer(1));
    const collection = store.collectGarbage(0);
    // Without a pause, in which it could begin and end.
    while ((await server.command('EXISTS', 'IPv4_collector')) !== 1);
    await server.command('SET', 'IPv4_collector', 'of another');
    await collection;
    expect(log.lines.map(({ message }) => message)).toContain(
      'a collection was given up: it has taken too long, and another tracker collects now',
    );
    await server.command('DEL', 'IPv4_collector');
    await store.collectGarbage(0);
    await expectExactCounters();
  });

  it('forgets the snatches of swarms that an original has emptied', async () => {
    const { store } = await open();
    await store.graduateLeecher(A, peer(1));
    await server.command('DEL', `IPv4_S_${A.hex}`);
    await server.command('HDEL', 'IPv4', `IPv4_S_${A.hex}`);
    clock.advance(10_000);
    await store.collectGarbage(clock.now() - 5000);
    expect(await scrape(store, A)).toEqual([0, 0, 1]);
    clock.advance(10_000);
    await store.collectGarbage(clock.now() - 5000);
    expect(await scrape(store, A)).toEqual([0, 0, 0]);
  });
});
