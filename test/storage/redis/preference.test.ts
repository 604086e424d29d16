/** What the Redis store makes of a preference: up to four times the peers wanted of each side are looked at. */

import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { PeerStore } from '../../../src/storage/storage.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { PreferenceByAddress } from '../../support/preferences.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { someInfohash } from '../../support/requests.ts';
import { name, offer, peer } from '../../support/store-calls.ts';
import { openStore } from './open-store.ts';

const A = someInfohash('a');

/** Level 0: peers 0 to 9 of each 256; level 1: 10 to 19. */
const low = new PreferenceByAddress(2, (_, address) => Math.floor((address[3] as number) / 10));
const level = (entry: string) => Math.min(2, Math.floor(Number(/(\d+):/.exec(entry)?.[1]) / 10));

describeWithRedis('a preference, in the Redis store', () => {
  let server: RedisServer;
  let store: PeerStore;

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    await server.command('FLUSHALL');
    ({ store } = await openStore({ redis_broker: server.url }));
  });
  afterEach(() => store.stop());

  /** Every third a seeder. */
  async function fill(size: number): Promise<void> {
    await Promise.all(
      Array.from({ length: size }, (_, n) => store[n % 3 === 0 ? 'putSeeder' : 'putLeecher'](A, peer(n))),
    );
  }

  it('orders a swarm that is looked at as a whole: by level, seeders first, and then the rest', async () => {
    await fill(100);
    const seeders = new Set(Array.from({ length: 34 }, (_, n) => name(peer(3 * n))));
    const first = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { peers, member } = await offer(store, A, peer(1), false, 30, low);
      expect(member).toBe(true);
      expect(peers.map((entry) => 2 * level(entry) + (seeders.has(entry) ? 0 : 1))).toEqual([
        ...[0, 0, 0, 0, 1, 1, 1, 1, 1],
        ...[2, 2, 2, 3, 3, 3, 3, 3, 3, 3],
        ...Array(11).fill(4),
      ]);
      expect(peers).not.toContain(name(peer(1)));
      first.add(peers[0] as string);
    }
    expect(first.size).toBe(4);
    const { peers } = await offer(store, A, peer(200), true, 30, low);
    expect(peers.some((entry) => seeders.has(entry))).toBe(false);
    expect(peers.map(level)).toEqual([...Array(6).fill(0), ...Array(7).fill(1), ...Array(17).fill(2)]);
  });

  it('finds some of those near in a large swarm', async () => {
    await fill(3000);
    let near = 0;
    for (let i = 0; i < 50; i++) {
      const levels = (await offer(store, A, peer(5000), true, 30, low)).peers.map(level);
      expect(levels).toHaveLength(30);
      expect(levels).toEqual(levels.toSorted());
      near += levels.filter((each) => each < 2).length;
    }
    // One in thirteen is near; of 120 looked at nine, of 30 it would be two.
    expect(near / 50).toBeGreaterThan(6);
  });
});
