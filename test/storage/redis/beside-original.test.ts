/** A migration: an original and ours on one Redis, then ours alone, then the original again. */

import { beforeAll, expect, it } from 'vitest';
import { Random } from '../../../src/pkg/random.ts';
import { fieldOf } from '../../../src/storage/redis/values.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { OriginalRedisStore } from '../../support/original-redis-store.ts';
import { countersIn, countersOf, dump } from '../../support/redis-dump.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { someInfohash } from '../../support/requests.ts';
import { name, offer, peer, scrape } from '../../support/store-calls.ts';
import { openStore } from './open-store.ts';

const A = someInfohash('a');

describeWithRedis('a migration on one Redis', () => {
  let server: RedisServer;
  let original: OriginalRedisStore;

  beforeAll(async () => {
    server = await startRedis();
    original = new OriginalRedisStore(await server.connect());
  });

  it('goes step by step, and back', { timeout: 60_000 }, async () => {
    // 1. The original alone.
    await original.putSeeder(A.hex, fieldOf(peer(1)));
    await original.putLeecher(A.hex, fieldOf(peer(2)));

    // 2. Ours beside it: each gives out the other's peers.
    const { store, metric } = await openStore({ redis_broker: server.url });
    expect(await offer(store, A, peer(3), false)).toEqual({
      complete: 1,
      incomplete: 1,
      peers: [name(peer(1)), name(peer(2))],
      member: false,
    });
    await store.putLeecher(A, peer(3));
    expect(await original.peers('L', A.hex)).toEqual([fieldOf(peer(2)), fieldOf(peer(3))]);
    // A peer of one graduates at the other.
    await store.graduateLeecher(A, peer(2));
    await original.graduateLeecher(A.hex, fieldOf(peer(3)));
    expect(await scrape(store, A)).toEqual([3, 0, 1]);

    // Both at once, and both collecting.
    const end = Date.now() + 1500;
    const random = new Random();
    const swarm = () => someInfohash(random.below(30));
    const ours = async () => {
      while (Date.now() < end) {
        const who = peer(random.below(40));
        const infohash = swarm();
        const { peers } = await offer(store, infohash, who, false);
        expect(peers).not.toContain(name(who));
        await store[
          (['putSeeder', 'putLeecher', 'graduateLeecher'] as const)[random.below(3)] ?? 'putSeeder'
        ](infohash, who);
        if (random.below(10) === 0) await store.deleteSeeder(infohash, who);
      }
    };
    const theirs = async () => {
      const connection = new OriginalRedisStore(await server.connect());
      while (Date.now() < end) {
        const field = fieldOf(peer(random.below(40)));
        const { hex } = swarm();
        await connection[
          (['putSeeder', 'putLeecher', 'graduateLeecher', 'deleteSeeder'] as const)[random.below(4)] ??
            'putSeeder'
        ](hex, field);
        if (random.below(50) === 0) await connection.collectGarbage(Date.now() - 300);
      }
    };
    const collections = async () => {
      while (Date.now() < end) await store.collectGarbage(Date.now() - 300);
    };
    await Promise.all([ours(), ours(), theirs(), theirs(), collections()]);

    // 3. The original is stopped: after one collection of ours all counters are right.
    await server.command('INCRBY', 'IPv4_S_count', 5);
    await store.collectGarbage(0);
    const all = await dump(server);
    expect(countersIn(all, 'IPv4')).toEqual(countersOf(all, 'IPv4'));
    expect(metric('chihaya_redis_repaired_total')).toBeGreaterThanOrEqual(5);

    // 4. And back: the original serves what ours has written.
    await store.putSeeder(A, peer(7));
    await store.stop();
    expect(await original.peers('S', A.hex)).toContainEqual(fieldOf(peer(7)));
    await original.collectGarbage(Date.now() + 1000);
    expect(await server.command('EXISTS', 'IPv4')).toBe(0);
    expect(await server.text('GET', 'IPv4_S_count')).toBe('0');
    expect(await server.text('GET', 'IPv4_infohash_count')).toBe('0');
  });
});
