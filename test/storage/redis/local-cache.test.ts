/** `local_cache`: copies no older than they may be, and writes gathered, none lost. */

import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { PeerStore } from '../../../src/storage/storage.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { countersIn, countersOf, dump } from '../../support/redis-dump.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { announce, responseTo, someInfohash, somePeerId } from '../../support/requests.ts';
import { name, offer, peer, scrape } from '../../support/store-calls.ts';
import { until } from '../../support/until.ts';
import { openStore } from './open-store.ts';

const A = someInfohash('a');
/** Milliseconds. */
const LIFE = 400;

describeWithRedis('the local cache of the Redis store', () => {
  let server: RedisServer;
  /** With the cache, and another tracker's without. */
  let store: PeerStore;
  let plain: PeerStore;
  let log: Awaited<ReturnType<typeof openStore>>['log'];

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    await server.command('FLUSHALL');
    const config = { redis_broker: server.url, redis_read_timeout: '1s', redis_write_timeout: '1s' };
    ({ store, log } = await openStore({ ...config, local_cache: `${LIFE}ms` }));
    ({ store: plain } = await openStore(config));
  });
  afterEach(() => Promise.all([store.stop(), plain.stop()]));

  async function calls(command: string): Promise<number> {
    const line = await server.info(`cmdstat_${command}`, 'INFO', 'commandstats').catch(() => '');
    return Number(/calls=(\d+)/.exec(line)?.[1] ?? 0);
  }

  /** Announces until answers come from a copy: at once, and not as promises. */
  async function untilCopied(): Promise<void> {
    await until('a copy', async () => {
      const request = announce({ peerId: somePeerId(9999) });
      const known = store.announcePeers(A, request.peer, false, 10, responseTo(request));
      if (!(known instanceof Promise)) return true;
      await known;
      return false;
    });
  }

  it('answers a busy swarm from a copy that is never older than it may be', async () => {
    for (let n = 0; n < 20; n++) await plain.putLeecher(A, peer(n));
    await untilCopied();
    const before = await calls('evalsha');
    const added = performance.now();
    await plain.putSeeder(A, peer(100));
    /** When one was asked for last that did not have it yet. */
    let old = added;
    let answers = 0;
    await until('the seeder to be seen', async () => {
      const asked = performance.now();
      answers++;
      const isSeen = (await offer(store, A, peer(50), false)).complete === 1;
      if (!isSeen) old = asked;
      return isSeen;
    });
    expect(old - added).toBeLessThan(LIFE + 100);
    expect(answers).toBeGreaterThan(5);
    expect((await calls('evalsha')) - before).toBeLessThan(answers);
  });

  it('goes to Redis for a swarm that is not busy', async () => {
    await plain.putLeecher(A, peer(1));
    expect((await offer(store, A, peer(2), false)).peers).toEqual([name(peer(1))]);
    await plain.putLeecher(A, peer(3));
    expect((await offer(store, A, peer(2), false)).peers).toHaveLength(2);
  });

  it('chooses anew each time, evenly, seeders first, never the announcer, with ids', async () => {
    const ids = new Map<string, string>();
    for (let n = 0; n < 60; n++) {
      await plain[n < 20 ? 'putSeeder' : 'putLeecher'](A, peer(n));
      ids.set(name(peer(n)), somePeerId(n));
    }
    const seeders = new Set(Array.from({ length: 20 }, (_, n) => name(peer(n))));
    const seen = new Map<string, number>();
    await untilCopied();
    for (let i = 0; i < 2000; i++) {
      const request = announce({ peerId: somePeerId(30), address: '10.0.0.30', port: 1054 });
      const response = responseTo(request, 100);
      response.peers.includeIds = true;
      await store.announcePeers(A, request.peer, false, 30, response);
      expect([response.complete, response.incomplete]).toEqual([20, 40]);
      const given = [...response.peers].map(({ id, address, port }) => {
        const key = `${address}:${port}`;
        expect(Buffer.from(id as Uint8Array).toString('latin1')).toBe(ids.get(key));
        return key;
      });
      expect(new Set(given).size).toBe(30);
      expect(given).not.toContain(name(peer(30)));
      expect(given.slice(0, 20).every((key) => seeders.has(key))).toBe(true);
      for (const key of given.slice(20)) seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(seen.size).toBe(39);
    const p = 10 / 39;
    const bound = 7 * Math.sqrt(2000 * p * (1 - p));
    for (const times of seen.values()) expect(Math.abs(times - 2000 * p)).toBeLessThan(bound);
    expect((await offer(store, A, peer(1), true, 100)).peers.some((key) => seeders.has(key))).toBe(false);
    expect((await offer(store, A, peer(1), true, 100)).peers).toHaveLength(40);
  });

  it('knows whether somebody is in the swarm who is given nobody', async () => {
    for (let n = 0; n < 10; n++) await plain.putSeeder(A, peer(n));
    await untilCopied();
    expect(await offer(store, A, peer(1), true)).toMatchObject({ peers: [], member: true });
    expect(await offer(store, A, peer(50), true)).toMatchObject({ peers: [], member: false });
  });

  it('writes what a swarm is told within 100 ms, in one step, in order', async () => {
    await plain.putLeecher(A, peer(1));
    await plain.deleteLeecher(A, peer(1));
    const before = await calls('evalsha');
    const start = performance.now();
    for (let n = 0; n < 100; n++) expect(store.putLeecher(A, peer(n))).toBeUndefined();
    expect(store.graduateLeecher(A, peer(7))).toBeUndefined();
    expect(store.graduateLeecher(A, peer(7))).toBeUndefined();
    expect(store.deleteLeecher(A, peer(8))).toBeUndefined();
    expect(store.deleteLeecher(A, peer(9))).toBeUndefined();
    store.putSeeder(A, peer(9));
    await until('the writes', async () => (await server.command('HLEN', `IPv4_L_${A.hex}`)) === 97);
    // Of which 300 ms are for a machine that is busy.
    expect(performance.now() - start).toBeLessThan(400);
    // Puts, deletions, a put.
    expect((await calls('evalsha')) - before).toBe(3);
    expect(await scrape(plain, A)).toEqual([2, 97, 1]);
    const all = await dump(server);
    expect(countersIn(all, 'IPv4')).toEqual(countersOf(all, 'IPv4'));
  });

  it('writes what it has gathered when it is stopped', async () => {
    const { store: other } = await openStore({ redis_broker: server.url, local_cache: '2s' });
    other.putSeeder(A, peer(1));
    await other.stop();
    expect(await scrape(plain, A)).toEqual([1, 0, 0]);
  });

  it('says what it could not write', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory', 1000);
    store.putSeeder(A, peer(1));
    store.putSeeder(A, peer(2));
    const line = await until('the log', () =>
      log.lines.find(({ message }) => message === 'gathered announces were not stored'),
    );
    expect(line.fields).toMatchObject({
      announces: 2,
      err: { message: expect.stringMatching(/^OOM /) },
    });
    await server.command('CONFIG', 'SET', 'maxmemory', 0);
    await wait(0);
  });
});
