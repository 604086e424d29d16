/** What comes back from a snapshot is what the store held, and goes on as if nothing had been. */

import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { AddressFamily } from '../../../../src/bittorrent/address-family.ts';
import { MemoryPeerStore } from '../../../../src/storage/memory/peer-store.ts';
import { agreesWithOracle } from '../../../conformance/peer-store-model.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { someInfohash } from '../../../support/requests.ts';
import { LONG, loadInto, saveTo, someDirectory, someStore } from '../../../support/snapshots.ts';
import { offer, peer, scrape } from '../../../support/store-calls.ts';

const A = someInfohash('a');
const B = someInfohash('b');
const MINUTE = 60_000;

test('a store that is saved and loaded between any two calls agrees with an oracle', {
  timeout: 120_000,
}, async () => {
  const path = join(await someDirectory(), 'snapshot');
  let reopened = 0;
  await agreesWithOracle(
    (clock) => someStore(clock),
    16_384,
    async (store, clock) => {
      await saveTo(path, store as MemoryPeerStore, clock);
      await store.stop();
      // Parts of the hash tables need not be as many, and keys never are the same.
      const next = MemoryPeerStore.create({
        shardCount: 2 ** (reopened++ % 12),
        clock,
        shared: reopened % 2 === 0,
      });
      await loadInto(next, path, clock);
      return next;
    },
  );
  expect(reopened).toBeGreaterThan(100);
});

describe('a store that comes back from a snapshot', () => {
  async function open(
    clock: ManualClock,
    limits?: { swarms?: number; peers?: number; peersPerSwarm?: number },
  ) {
    const path = join(await someDirectory(), 'snapshot');
    const store = someStore(clock);
    const reload = async (lifetime = LONG) => {
      await saveTo(path, store, clock);
      const other = MemoryPeerStore.create({
        shardCount: 64,
        clock,
        limits: limits && { swarms: 0, peers: 0, peersPerSwarm: 0, ...limits },
      });
      return { other, loaded: await loadInto(other, path, clock, lifetime) };
    };
    return { store, path, reload };
  }

  it('leaves out whoever a collection would remove', async () => {
    const clock = new ManualClock();
    const { store, reload } = await open(clock);
    for (let n = 0; n < 700; n++) store.putLeecher(A, peer(n));
    store.putSeeder(B, peer(0, AddressFamily.IPv6));
    clock.advance(10 * MINUTE);
    for (let n = 100; n < 150; n++) store.putSeeder(A, peer(n));
    clock.advance(20 * MINUTE);
    const { other, loaded } = await reload(30 * MINUTE);
    expect(loaded).toMatchObject({ peers: 701, expired: 0 });
    expect(other.totals()).toEqual({ infohashes: 2, seeders: 51, leechers: 650 });

    clock.advance(1000);
    const later = await reload(30 * MINUTE);
    expect(later.loaded).toMatchObject({ peers: 50, expired: 651 });
    expect(later.other.totals()).toEqual({ infohashes: 1, seeders: 50, leechers: 0 });
    expect((await offer(later.other, A, peer(999), false, 100)).peers).toHaveLength(50);
  });

  it('remembers when each peer was last heard of', async () => {
    const clock = new ManualClock();
    const { store, reload } = await open(clock);
    for (let n = 0; n < 200; n++) {
      store.putLeecher(A, peer(n));
      clock.advance(1000);
    }
    const { other } = await reload();
    await other.collectGarbage(clock.now() - 50_000);
    expect(await scrape(other, A)).toEqual([0, 50, 0]);
  });

  it('keeps snatches, and whose was counted, though every peer has expired', async () => {
    const clock = new ManualClock();
    const { store, path, reload } = await open(clock);
    for (let n = 0; n < 5; n++) store.graduateLeecher(A, peer(n));
    store.graduateLeecher(B, peer(7));
    store.deleteSeeder(B, peer(7));
    store.putLeecher(someInfohash('c'), peer(1));
    const { other } = await reload();
    expect(await scrape(other, A)).toEqual([5, 0, 5]);
    other.graduateLeecher(A, peer(0));
    other.graduateLeecher(A, peer(5));
    expect(await scrape(other, A)).toEqual([6, 0, 6]);

    clock.advance(24 * 60 * MINUTE);
    const next = someStore(clock);
    await loadInto(next, path, clock, 30 * MINUTE);
    expect(await scrape(next, A)).toEqual([0, 0, 5]);
    expect(await scrape(next, B)).toEqual([0, 0, 1]);
    expect(next.totals()).toEqual({ infohashes: 0, seeders: 0, leechers: 0 });
    // They are remembered for as long as they would have been without the stop, and no longer.
    await next.collectGarbage(clock.now() - 30 * MINUTE);
    expect(await scrape(next, B)).toEqual([0, 0, 1]);
    clock.advance(30 * MINUTE + 1000);
    await next.collectGarbage(clock.now() - 30 * MINUTE);
    expect(await scrape(next, A)).toEqual([0, 0, 0]);
    expect(await scrape(next, B)).toEqual([0, 0, 0]);
  });

  it('does not keep peers for longer because the clock was set back', async () => {
    const clock = new ManualClock();
    const { store, path } = await open(clock);
    store.putSeeder(A, peer(1));
    await saveTo(path, store, clock);
    const earlier = new ManualClock(clock.now() - 24 * 60 * MINUTE);
    const other = someStore(earlier);
    expect(await loadInto(other, path, earlier)).toMatchObject({ peers: 1 });
    earlier.advance(31 * MINUTE);
    await other.collectGarbage(earlier.now() - 30 * MINUTE);
    expect(await scrape(other, A)).toEqual([0, 0, 0]);
  });

  it.each([
    ['swarms', { swarms: 3 }, { peers: 1200, refused: 2800 }],
    ['peers', { peers: 1000 }, { peers: 1000, refused: 3000 }],
    ['peers of a swarm', { peersPerSwarm: 150 }, { peers: 1500, refused: 2500 }],
  ])('holds no more %s than it may', async (_, limits, expected) => {
    const { store, reload } = await open(new ManualClock(), limits);
    for (let swarm = 0; swarm < 10; swarm++) {
      for (let n = 0; n < 400; n++) store.putLeecher(someInfohash(swarm), peer(n));
    }
    const { other, loaded } = await reload();
    expect(loaded).toMatchObject(expected);
    expect(other.totals().leechers).toBe(expected.peers);
  });

  it('may be empty', async () => {
    const { reload } = await open(new ManualClock());
    expect((await reload()).loaded).toMatchObject({ peers: 0, expired: 0, refused: 0 });
  });
});
