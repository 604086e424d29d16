/** Redis gone, hanging, slow, full, read-only: requests fail in time, and soon after it is over they no longer do. */

import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerStore } from '../../../src/storage/storage.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { countersIn, countersOf, dump } from '../../support/redis-dump.ts';
import { startRedis, startRedises } from '../../support/redis-server.ts';
import { someInfohash } from '../../support/requests.ts';
import { name, offer, peer, scrape } from '../../support/store-calls.ts';
import { until } from '../../support/until.ts';
import { type OpenedStore, openStore } from './open-store.ts';

const A = someInfohash('a');

/**
 * Milliseconds. On a machine that is idle it is a hundredth of that, or within a second what waits for a connection. It
 * tells that from the timeouts, which are 15 s where nothing else is set.
 */
const AT_ONCE = 400;
const SOON = 4000;

describeWithRedis('the Redis store and a Redis', () => {
  let opened: OpenedStore | undefined;

  afterEach(async () => {
    await opened?.store.stop();
    opened = undefined;
  });

  async function open(config: object): Promise<OpenedStore> {
    opened = await openStore({ ...config });
    return opened;
  }

  /** Milliseconds until a read is answered again. */
  async function recovery(store: PeerStore): Promise<number> {
    const start = performance.now();
    await until('the store to answer', async () => {
      await scrape(store, A);
      return true;
    });
    return performance.now() - start;
  }

  /** The message of what a promise rejects with, and when. */
  async function failure(
    promise: PromiseLike<unknown> | unknown,
  ): Promise<{ message: string; after: number }> {
    const start = performance.now();
    try {
      await promise;
    } catch (error) {
      return { message: (error as Error).message, after: performance.now() - start };
    }
    throw new Error('it did not fail');
  }

  const outages = ({ log }: OpenedStore) =>
    log.lines.filter(({ level, message }) => level === 'error' && message.startsWith('Redis cannot be used'));

  it('that is absent at the start: opens, fails at once, and works when it comes', async () => {
    const server = await startRedis();
    await server.kill();
    const result = await open({ redis_broker: server.url });
    const { store, metric } = result;
    expect(store.ready?.()).toBe(false);
    expect(metric('chihaya_redis_ready')).toBe(0);
    const { message, after } = await failure(offer(store, A, peer(1), false));
    expect(message).toBe('Redis cannot be reached');
    expect(after).toBeLessThan(AT_ONCE);
    await wait(1000);
    expect(outages(result)).toHaveLength(1);
    expect(outages(result)[0]?.fields).toMatchObject({ reason: expect.stringContaining('ECONNREFUSED') });

    await server.restart();
    expect(await recovery(store)).toBeLessThan(SOON);
    expect(store.ready?.()).toBe(true);
    expect(metric('chihaya_redis_ready')).toBe(1);
    await store.putSeeder(A, peer(1));
    expect(await scrape(store, A)).toEqual([1, 0, 0]);
  });

  it('that is restarted, and forgets peers and scripts: goes on within a second', async () => {
    const server = await startRedis();
    const result = await open({ redis_broker: server.url });
    const { store, metric } = result;
    await store.putSeeder(A, peer(1));
    await server.kill();
    await until('the loss to be noticed', () => store.ready?.() === false);
    expect((await failure(store.putSeeder(A, peer(1)))).message).toBe('Redis cannot be reached');
    await server.restart();
    expect(await recovery(store)).toBeLessThan(SOON);
    await Promise.all([store.putSeeder(A, peer(1)), store.putLeecher(A, peer(2))]);
    expect(await scrape(store, A)).toEqual([1, 1, 0]);
    expect(metric('chihaya_redis_reconnects_total')).toBe(1);
    expect(metric('chihaya_redis_errors_total')).toBeGreaterThan(0);
    expect(outages(result)).toHaveLength(1);
  });

  it('that loses the connection while requests wait: fails them', async () => {
    const server = await startRedis();
    const { store } = await open({ redis_broker: server.url });
    await server.pause();
    const waiting = failure(offer(store, A, peer(1), false));
    await server.kill();
    expect((await waiting).message).toBe('the connection to Redis was lost');
  });

  describe('that hangs', () => {
    it('fails requests within the timeout, later ones at once, and works within a second of its return', async () => {
      const server = await startRedis();
      const result = await open({
        redis_broker: server.url,
        redis_read_timeout: '1s',
        redis_write_timeout: '1500ms',
        redis_connect_timeout: '500ms',
      });
      const { store } = result;
      await store.putSeeder(A, peer(1));
      await server.pause();
      const [read, write] = await Promise.all([
        failure(offer(store, A, peer(2), false)),
        failure(store.putLeecher(A, peer(2))),
      ]);
      expect(read.message).toBe('Redis did not answer in time');
      expect(read.after).toBeGreaterThan(500);
      expect(read.after).toBeLessThan(SOON);
      // When a read has failed so, the connection is given up.
      expect(write.message).toMatch(/did not answer in time|connection to Redis was lost/);
      expect(write.after).toBeLessThan(SOON);
      const { message, after } = await failure(offer(store, A, peer(2), false));
      expect(message).toBe('Redis cannot be reached');
      expect(after).toBeLessThan(AT_ONCE);
      expect(store.ready?.()).toBe(false);
      // Connections are made, as the system makes them for the server, and given up again.
      await wait(1200);
      expect(store.ready?.()).toBe(false);

      server.resume();
      expect(await recovery(store)).toBeLessThan(SOON);
      // What has been sent may be done all the same.
      expect((await scrape(store, A))[0]).toBe(1);
      expect(outages(result)).toHaveLength(1);
    });

    it('does not keep a tracker from stopping', async () => {
      const server = await startRedis();
      const { store } = await openStore({ redis_broker: server.url, local_cache: '1s', gc_interval: '50ms' });
      await offer(store, A, peer(1), false);
      await store.putSeeder(A, peer(1));
      await server.pause();
      store.putSeeder(A, peer(2));
      await wait(200);
      const start = performance.now();
      await store.stop();
      expect(performance.now() - start).toBeLessThan(2 * SOON);
    });

    it('takes in only so many requests, and keeps nothing of those that failed', async () => {
      const server = await startRedis();
      const { store } = await open({ redis_broker: server.url, redis_read_timeout: '1s' });
      await scrape(store, A);
      await server.pause();
      const failures = await Promise.all(Array.from({ length: 20_000 }, () => failure(scrape(store, A))));
      const refused = failures.filter(({ message }) => message === '16384 requests wait for Redis already');
      expect(refused).toHaveLength(20_000 - 16_384);
      expect(Math.max(...failures.map(({ after }) => after))).toBeLessThan(3 * SOON);
      server.resume();
      expect(await recovery(store)).toBeLessThan(SOON);
    });
  });

  it('that is slow: waits for it', async () => {
    const server = await startRedis();
    const { store, metric } = await open({ redis_broker: server.url, redis_read_timeout: '5s' });
    await server.command('CLIENT', 'PAUSE', 700, 'ALL');
    const start = performance.now();
    await Promise.all([store.putSeeder(A, peer(1)), scrape(store, A)]);
    expect(performance.now() - start).toBeGreaterThan(500);
    expect(await scrape(store, A)).toEqual([1, 0, 0]);
    expect(metric('chihaya_redis_errors_total')).toBe(0);
  });

  it('that is full: answers announces, stores none, lets peers go and collects; counters stay exact', async () => {
    const server = await startRedis();
    const { store } = await open({ redis_broker: server.url });
    await store.putSeeder(A, peer(1));
    await store.putLeecher(A, peer(2));
    await store.putLeecher(A, peer(3));
    await server.command('CONFIG', 'SET', 'maxmemory', 1000);
    for (const put of [
      () => store.putSeeder(A, peer(4)),
      () => store.putLeecher(A, peer(1)),
      () => store.graduateLeecher(A, peer(2)),
    ]) {
      expect((await failure(put())).message).toMatch(/^OOM /);
    }
    expect(await offer(store, A, peer(9), false)).toMatchObject({ complete: 1, incomplete: 2 });
    expect(await store.deleteLeecher(A, peer(2))).toBeUndefined();
    const exact = async () => {
      const all = await dump(server);
      expect(countersIn(all, 'IPv4')).toEqual(countersOf(all, 'IPv4'));
    };
    await exact();
    await store.collectGarbage(Date.now() + 1000);
    expect(await scrape(store, A)).toEqual([0, 0, 0]);
    await exact();
    await server.command('CONFIG', 'SET', 'maxmemory', 0);
    await store.putSeeder(A, peer(4));
    expect(await scrape(store, A)).toEqual([1, 0, 0]);
    await exact();
  });

  it('that is a read-only replica: reads, and says why it cannot write', async () => {
    const [master] = await startRedises([{}]);
    const replica = await startRedis({ replicaOf: master as NonNullable<typeof master> });
    const first = await openStore({ redis_broker: master?.url });
    await first.store.putSeeder(A, peer(1));
    await first.store.stop();
    await until('the replica to have it', async () => (await replica.command('EXISTS', 'IPv4')) === 1);
    const { store } = await open({ redis_broker: replica.url });
    expect((await offer(store, A, peer(2), false)).peers).toEqual([name(peer(1))]);
    expect((await failure(store.putLeecher(A, peer(2)))).message).toMatch(/^READONLY /);
    expect((await failure(store.deleteSeeder(A, peer(1)))).message).toMatch(/^READONLY /);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await store.putLeecher(A, peer(2));
    expect(await scrape(store, A)).toEqual([1, 1, 0]);
  });

  it('that refuses the password: says so, without it', async () => {
    const server = await startRedis({ user: { name: 'chihaya', password: 'right' } });
    const url = server.url.replace('right', 'very-secret');
    const result = await open({ redis_broker: url });
    expect(result.store.ready?.()).toBe(false);
    expect(outages(result)[0]?.fields).toMatchObject({ reason: expect.stringContaining('WRONGPASS') });
    const { message } = await failure(scrape(result.store, A));
    expect(message).toBe('Redis cannot be reached');
    expect(JSON.stringify(result.log.lines)).not.toContain('very-secret');
  });
});
