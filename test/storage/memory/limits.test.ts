import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/pkg/clock.ts';
import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { someInfohash } from '../../support/requests.ts';
import { name, offer, peer, scrape } from '../../support/store-calls.ts';

function refusals(store: MemoryPeerStore): Record<string, number> {
  return Object.fromEntries(store.refused().map(({ labels, value }) => [labels.limit, value]));
}

describe.each([false, true])('limits of the memory store (shared: %s)', (shared) => {
  const open = (limits: { swarms?: number; peers?: number; peersPerSwarm?: number }) =>
    MemoryPeerStore.create({
      shardCount: 4,
      clock: systemClock,
      shared,
      limits: { swarms: 0, peers: 0, peersPerSwarm: 0, ...limits },
    });

  it('takes no more swarms than it may, and others again when one is gone', async () => {
    const store = open({ swarms: 3 });
    for (let i = 0; i < 5; i++) store.putSeeder(someInfohash(i), peer(1));
    expect(store.totals().infohashes).toBe(3);
    expect(refusals(store)).toEqual({ swarms: 2, peers: 0, peers_per_swarm: 0 });
    expect(await scrape(store, someInfohash(4))).toEqual([0, 0, 0]);
    store.deleteSeeder(someInfohash(0), peer(1));
    store.putSeeder(someInfohash(4), peer(1));
    expect(await scrape(store, someInfohash(4))).toEqual([1, 0, 0]);
    await store.stop();
  });

  it('takes no more peers than it may, of either family, and knows those it has', async () => {
    const store = open({ peers: 10 });
    for (let i = 0; i < 8; i++) store.putLeecher(someInfohash(i % 3), peer(i));
    for (let i = 0; i < 8; i++) store.putLeecher(someInfohash(i % 3), peer(i, 6));
    expect(store.totals().leechers).toBe(10);
    expect(refusals(store)).toEqual({ swarms: 0, peers: 6, peers_per_swarm: 0 });
    store.graduateLeecher(someInfohash(0), peer(0));
    expect(await scrape(store, someInfohash(0))).toEqual([1, 2, 1]);
    await store.collectGarbage(Date.now() + 2000);
    store.putLeecher(someInfohash(9), peer(9));
    expect(store.totals()).toMatchObject({ seeders: 0, leechers: 1 });
    await store.stop();
  });

  it('keeps no swarm for a peer that it did not take', async () => {
    const store = open({ swarms: 2, peers: 1 });
    for (let i = 0; i < 10; i++) store.putSeeder(someInfohash(i), peer(i));
    expect(refusals(store)).toEqual({ swarms: 0, peers: 9, peers_per_swarm: 0 });
    await store.stop();
  });

  it('takes no more peers into a swarm than it may, and answers all the same', async () => {
    const store = open({ peersPerSwarm: 200 });
    for (let i = 0; i < 300; i++) store.putLeecher(someInfohash(1), peer(i));
    expect(await scrape(store, someInfohash(1))).toEqual([0, 200, 0]);
    expect(refusals(store)).toEqual({ swarms: 0, peers: 0, peers_per_swarm: 100 });
    const refused = await offer(store, someInfohash(1), peer(299), false, 50);
    expect(refused.peers).toHaveLength(50);
    expect(refused.member).toBe(false);
    expect(refused.peers).not.toContain(name(peer(299)));
    await store.stop();
  });
});

describe.each([false, true])('limits that are set later (shared: %s)', (shared) => {
  const none = { swarms: 0, peers: 0, peersPerSwarm: 0 };
  const open = () => MemoryPeerStore.create({ shardCount: 4, clock: systemClock, shared });

  it('count what there is, of either family, snatches of swarms without peers included', async () => {
    const store = open();
    for (let i = 0; i < 5; i++) store.putSeeder(someInfohash(i), peer(i));
    for (let i = 0; i < 3; i++) store.putLeecher(someInfohash(i), peer(i, 6));
    store.graduateLeecher(someInfohash(9), peer(9));
    store.deleteSeeder(someInfohash(9), peer(9));
    store.limit({ ...none, peers: 9 });
    for (let i = 20; i < 23; i++) store.putSeeder(someInfohash(i), peer(i));
    // There were eight peers, and nine swarms: one more of each.
    expect(store.totals()).toEqual({ infohashes: 9, seeders: 6, leechers: 3 });
    expect(refusals(store)).toEqual({ swarms: 0, peers: 2, peers_per_swarm: 0 });
    store.limit({ ...none, swarms: 10 });
    for (let i = 20; i < 23; i++) store.putSeeder(someInfohash(i), peer(i));
    expect(store.totals()).toEqual({ infohashes: 9, seeders: 6, leechers: 3 });
    expect(refusals(store)).toEqual({ swarms: 2, peers: 2, peers_per_swarm: 0 });
    await store.stop();
  });

  it('leave what is there beyond them, and can be taken away', async () => {
    const store = open();
    for (let i = 0; i < 9; i++) store.putLeecher(someInfohash(1), peer(i));
    store.limit({ ...none, peersPerSwarm: 5 });
    store.putLeecher(someInfohash(1), peer(9));
    expect(await scrape(store, someInfohash(1))).toEqual([0, 9, 0]);
    store.limit(none);
    store.putLeecher(someInfohash(1), peer(9));
    expect(await scrape(store, someInfohash(1))).toEqual([0, 10, 0]);
    // Counters do not fall.
    expect(refusals(store)).toEqual({ swarms: 0, peers: 0, peers_per_swarm: 1 });
    await store.stop();
  });
});

describe('a memory store without limits', () => {
  it('counts no refusals', async () => {
    const store = MemoryPeerStore.create({ shardCount: 4, clock: systemClock });
    store.putSeeder(someInfohash(1), peer(1));
    expect(store.refused()).toEqual([]);
    await store.stop();
  });
});
