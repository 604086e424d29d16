/** A master dies under load, of a Sentinel group and of a cluster: service comes back, and no counter is wrong. */

import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { PeerStore } from '../../../src/storage/storage.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { type RedisCluster, startCluster } from '../../support/redis-cluster.ts';
import { countersIn, countersOf, type Dump, dump } from '../../support/redis-dump.ts';
import { startSentinelGroup } from '../../support/redis-sentinel.ts';
import { someInfohash } from '../../support/requests.ts';
import { offer, peer } from '../../support/store-calls.ts';
import { until } from '../../support/until.ts';
import { openStore } from './open-store.ts';

const CLIENTS = 20;
const SWARMS = 100;

/** Announces without pause, and what became of them. */
class Load {
  announces = 0;
  refused = 0;
  /** When an announce was refused first, and last. */
  first = 0;
  last = 0;
  #running = true;
  readonly #clients: Promise<void>[];

  constructor(store: PeerStore) {
    this.#clients = Array.from({ length: CLIENTS }, (_, number) => this.#client(store, number));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  async #client(store: PeerStore, number: number): Promise<void> {
    for (let i = number; this.#running; i += 7) {
      const infohash = someInfohash(i % SWARMS);
      const who = peer(i % 1009);
      try {
        await offer(store, infohash, who, i % 2 === 0, 30);
        if (i % 5 === 0) await store.deleteLeecher(infohash, who);
        else if (i % 2 === 0) await store.graduateLeecher(infohash, who);
        else await store.putLeecher(infohash, who);
      } catch {
        this.refused++;
        this.last = performance.now();
        this.first ||= this.last;
        // As clients do, which are told of an error.
        await wait(5);
      }
      this.announces++;
    }
  }
}

async function measure(store: PeerStore, failover: () => Promise<unknown>): Promise<Load> {
  const load = new Load(store);
  await until('some load', () => load.announces > 1000);
  await failover();
  const { announces } = load;
  await until(
    'service again',
    () => load.announces > announces + 2000 && performance.now() - load.last > 500,
  );
  await load.stop();
  return load;
}

function report(what: string, { announces, refused, first, last }: Load): void {
  if (process.env.REPORT !== undefined)
    process.stderr.write(
      `${what}: ${refused} of ${announces} refused, within ${Math.round(last - first)} ms\n`,
    );
}

function expectExact(all: Dump, start = ''): void {
  for (const family of ['IPv4', 'IPv6'] as const) {
    expect(countersIn(all, family, start), `${start}${family}`).toEqual(countersOf(all, family, start));
  }
}

async function expectAllExact(cluster: RedisCluster): Promise<void> {
  const dumps = await Promise.all((await cluster.masters()).map(dump));
  const all = Object.assign({}, ...dumps) as Dump;
  const starts = new Set(Object.keys(all).map((key) => key.slice(0, 4)));
  expect(starts.size).toBeGreaterThan(50);
  for (const start of starts) expectExact(all, start);
}

describeWithRedis('a failover under load', () => {
  it('of a Sentinel group', { timeout: 60_000 }, async () => {
    const group = await startSentinelGroup();
    const { store } = await openStore({
      redis_sentinels: group.sentinels.map(({ address }) => address),
      redis_master: group.name,
    });
    try {
      const load = await measure(store, () => group.failover());
      report('Sentinel', load);
      expect(load.refused).toBeGreaterThan(0);
      expect(load.last - load.first).toBeLessThan(10_000);
      const all = await dump(await group.master());
      expect(Object.keys(all).length).toBeGreaterThan(SWARMS / 2);
      expectExact(all);
    } finally {
      await store.stop();
    }
  });

  it('of a Sentinel group whose master hangs', { timeout: 60_000 }, async () => {
    const group = await startSentinelGroup();
    const { store } = await openStore({
      redis_sentinels: group.sentinels.map(({ address }) => address),
      redis_master: group.name,
      redis_read_timeout: '1s',
      redis_write_timeout: '1s',
    });
    try {
      const first = await group.master();
      const load = await measure(store, async () => {
        await first.pause();
        await until('another master', async () => (await group.master()) !== first, 20_000);
      });
      report('Sentinel, hanging', load);
      // The old one comes back as a master, and is told otherwise.
      first.resume();
      await until('it to be a replica', async () => (await first.info('role')) === 'slave');
      await offer(store, someInfohash(0), peer(1), false);
      expectExact(await dump(await group.master()));
    } finally {
      await store.stop();
    }
  });

  it('of one master of a cluster', { timeout: 60_000 }, async () => {
    const cluster = await startCluster();
    const { store } = await openStore({ redis_cluster: cluster.nodes.map(({ address }) => address) });
    try {
      const [, second] = await cluster.masters();
      const load = await measure(store, () => cluster.failover(second as NonNullable<typeof second>));
      report('cluster', load);
      await expectAllExact(cluster);
    } finally {
      await store.stop();
    }
  });

  it('of one master of a cluster that hangs', { timeout: 60_000 }, async () => {
    const cluster = await startCluster();
    const { store } = await openStore({
      redis_cluster: cluster.nodes.map(({ address }) => address),
      redis_read_timeout: '1s',
      redis_write_timeout: '1s',
    });
    try {
      const [first] = await cluster.masters();
      const load = await measure(store, async () => {
        await first?.pause();
        await until('its replica to take its place', async () => {
          const info = await cluster.nodes[3]?.info('role');
          return info === 'master';
        });
      });
      report('cluster, hanging', load);
      first?.resume();
      await until('it to be a replica', async () => (await first?.info('role')) === 'slave');
      await expectAllExact(cluster);
    } finally {
      await store.stop();
    }
  });
});
