/** The layout of the original, byte for byte, in both directions; and what is ours beside it. */

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AddressFamily } from '../../../src/bittorrent/address-family.ts';
import { Infohash } from '../../../src/bittorrent/infohash.ts';
import type { PeerStore } from '../../../src/storage/storage.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { dump } from '../../support/redis-dump.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { announce } from '../../support/requests.ts';
import { offer, scrape } from '../../support/store-calls.ts';
import { openStore } from './open-store.ts';

const HEX = 'ab00000000000000000000000000000000000001';
const A = Infohash.fromHex(HEX);
const OTHER = 'cd00000000000000000000000000000000000002';

const ONE = announce({ peerId: '-TR4050-aaaaaaaaaaaa', address: '10.0.0.1', port: 6881 }).peer;
const TWO = announce({ peerId: '-TR4050-bbbbbbbbbbbb', address: '10.0.0.2', port: 258 }).peer;
const SIX = announce({ peerId: '-TR4050-cccccccccccc', address: '2001:db8::7', port: 6881 }).peer;

/** id · port · address. */
const FIELD_ONE = '-TR4050-aaaaaaaaaaaa\x1a\xe1\x0a\x00\x00\x01';
const FIELD_TWO = '-TR4050-bbbbbbbbbbbb\x01\x02\x0a\x00\x00\x02';
const FIELD_SIX = '-TR4050-cccccccccccc\x1a\xe1\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07';

describeWithRedis('the layout in Redis', () => {
  let server: RedisServer;
  let clock: ManualClock;

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    await server.command('FLUSHALL');
    clock = new ManualClock(1_767_225_600_123);
  });

  async function withStore(use: (store: PeerStore) => Promise<void>, config: object = {}): Promise<void> {
    const { store } = await openStore({ redis_broker: server.url, ...config }, clock);
    try {
      await use(store);
    } finally {
      await store.stop();
    }
  }

  const bytes = (text: string) => Buffer.from(text, 'latin1');

  describe('that an original has written', () => {
    beforeEach(async () => {
      await server.command('HSET', `IPv4_S_${HEX}`, bytes(FIELD_ONE), '1767225599987654321');
      await server.command('HSET', `IPv4_L_${HEX}`, bytes(FIELD_TWO), '1767225500000000007');
      await server.command('HSET', `IPv6_L_${HEX}`, bytes(FIELD_SIX), '1767225590000000000');
      await server.command('HSET', 'IPv4', `IPv4_S_${HEX}`, '1767225599987654321');
      await server.command('HSET', 'IPv4', `IPv4_L_${HEX}`, '1767225500000000007');
      await server.command('HSET', 'IPv6', `IPv6_L_${HEX}`, '1767225590000000000');
      for (const counter of ['IPv4_infohash_count', 'IPv4_S_count', 'IPv4_L_count', 'IPv6_L_count'])
        await server.command('INCR', counter);
    });

    it('is served', () =>
      withStore(async (store) => {
        const stranger = announce({ peerId: '-TR4050-zzzzzzzzzzzz', address: '10.0.0.9' }).peer;
        expect(await offer(store, A, stranger, false)).toEqual({
          complete: 1,
          incomplete: 1,
          peers: ['10.0.0.1:6881', '10.0.0.2:258'],
          member: false,
        });
        expect(await offer(store, A, TWO, false)).toMatchObject({ peers: ['10.0.0.1:6881'], member: true });
        expect(await offer(store, A, SIX, false)).toMatchObject({ incomplete: 1, peers: [], member: true });
        expect((await offer(store, A, { ...SIX, ...stranger } as typeof SIX, true)).peers).toHaveLength(1);
        expect(await scrape(store, A)).toEqual([1, 1, 0]);
        expect(await scrape(store, A, AddressFamily.IPv6)).toEqual([0, 1, 0]);
      }));

    it('is taken over: known peers are known, counters go on', () =>
      withStore(async (store) => {
        await store.graduateLeecher(A, TWO);
        expect(await store.deleteSeeder(A, ONE)).toBeUndefined();
        expect(await dump(server)).toMatchObject({
          [`IPv4_S_${HEX}`]: { [FIELD_TWO]: '1767225600123000001' },
          IPv4: { [`IPv4_S_${HEX}`]: '1767225600123000000', [`IPv4_L_${HEX}`]: '1767225500000000007' },
          IPv4_infohash_count: '1',
          IPv4_S_count: '1',
          IPv4_L_count: '0',
          IPv6_L_count: '1',
        });
      }));

    it('is collected by its times, to the nanosecond', () =>
      withStore(async (store) => {
        await store.collectGarbage(1_767_225_599_987);
        expect(await scrape(store, A)).toEqual([1, 0, 0]);
        expect(await scrape(store, A, AddressFamily.IPv6)).toEqual([0, 0, 0]);
        await store.collectGarbage(1_767_225_599_988);
        expect(await scrape(store, A)).toEqual([0, 0, 0]);
      }));

    it('is not handed out if it is no peer', () =>
      withStore(async (store) => {
        await server.command('HSET', `IPv4_S_${HEX}`, 'short', '1767225599987654321');
        await server.command('HSET', `IPv4_S_${HEX}`, bytes(FIELD_SIX), '1767225599987654321');
        const { peers } = await offer(store, A, TWO, false);
        expect(peers).toEqual(['10.0.0.1:6881']);
      }));
  });

  it('that we write is that of the original, and ours beside it', () =>
    withStore(async (store) => {
      await store.putSeeder(A, ONE);
      await store.putLeecher(A, TWO);
      await store.putLeecher(A, SIX);
      await store.putLeecher(Infohash.fromHex(OTHER), ONE);
      expect(await dump(server)).toEqual({
        IPv4: {
          [`IPv4_S_${HEX}`]: '1767225600123000000',
          [`IPv4_L_${HEX}`]: '1767225600123000000',
          [`IPv4_L_${OTHER}`]: '1767225600123000000',
        },
        IPv6: { [`IPv6_L_${HEX}`]: '1767225600123000000' },
        [`IPv4_S_${HEX}`]: { [FIELD_ONE]: '1767225600123000000' },
        [`IPv4_L_${HEX}`]: { [FIELD_TWO]: '1767225600123000000' },
        [`IPv4_L_${OTHER}`]: { [FIELD_ONE]: '1767225600123000000' },
        [`IPv6_L_${HEX}`]: { [FIELD_SIX]: '1767225600123000000' },
        IPv4_infohash_count: '1',
        IPv4_S_count: '1',
        IPv4_L_count: '2',
        IPv6_L_count: '1',
        IPv4_swarm_count: '2',
        IPv6_swarm_count: '1',
      });

      clock.advance(1000);
      await store.graduateLeecher(A, TWO);
      await store.deleteSeeder(A, ONE);
      await store.deleteSeeder(A, TWO);
      await store.deleteLeecher(A, SIX);
      await store.deleteLeecher(Infohash.fromHex(OTHER), ONE);
      // As with the original, the index forgets a swarm when it is collected.
      expect(await dump(server)).toEqual({
        IPv4: {
          [`IPv4_S_${HEX}`]: '1767225601123000000',
          [`IPv4_L_${HEX}`]: '1767225600123000000',
          [`IPv4_L_${OTHER}`]: '1767225600123000000',
        },
        IPv6: { [`IPv6_L_${HEX}`]: '1767225600123000000' },
        IPv4_infohash_count: '1',
        IPv4_S_count: '0',
        IPv4_L_count: '0',
        IPv6_L_count: '0',
        IPv4_swarm_count: '0',
        IPv6_swarm_count: '0',
        IPv4_snatches: { [HEX]: '1@1767225601123000000' },
      });

      await store.collectGarbage(clock.now());
      expect(await dump(server)).toEqual({
        IPv4_infohash_count: '0',
        IPv4_S_count: '0',
        IPv4_L_count: '0',
        IPv6_L_count: '0',
        IPv4_swarm_count: '0',
        IPv6_swarm_count: '0',
        IPv4_snatches: { [HEX]: '1@1767225601123000000' },
      });
    }));

  it('has a prefix before every key, if there is one', () =>
    withStore(
      async (store) => {
        await store.graduateLeecher(A, ONE);
        await store.collectGarbage(0);
        const keys = Object.keys(await dump(server));
        expect(keys).toEqual([
          'my:IPv4',
          `my:IPv4_S_${HEX}`,
          'my:IPv4_S_count',
          'my:IPv4_infohash_count',
          'my:IPv4_snatches',
          'my:IPv4_swarm_count',
        ]);
      },
      { redis_key_prefix: 'my:' },
    ));
});
