/** The memory store as several threads have it: compiled, and in threads of their own. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Infohash } from '../../../src/bittorrent/infohash.ts';
import { systemClock } from '../../../src/pkg/clock.ts';
import { silentLogger } from '../../../src/pkg/logger.ts';
import type { StorageHost } from '../../../src/storage/driver.ts';
import { SHARD_LOCKS } from '../../../src/storage/memory/areas.ts';
import { memoryDriver } from '../../../src/storage/memory/driver.ts';
import type { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import type { StoreTotals } from '../../../src/storage/storage.ts';
import { announce, someInfohash, somePeerId } from '../../support/requests.ts';
import { offer, scrape } from '../../support/store-calls.ts';
import { Gate, type Outcome, StoreThread } from '../../support/store-thread.ts';

const SWARMS = 40;
const PEERS = 700;

function infohash(swarm: number): Infohash {
  const infohash = new Infohash();
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(swarm, 4);
  infohash.set(bytes, 0);
  return infohash;
}

async function openHost(options: object): Promise<StorageHost> {
  const host = await memoryDriver.host?.(memoryDriver.options.parse(options), {
    logger: silentLogger,
    metrics: { register() {} },
    clock: systemClock,
    upkeep: true,
  });
  return host as StorageHost;
}

/** The address and port of each of the thread's peers in a swarm. */
function namesOf(
  thread: number,
  { expected }: Outcome,
  swarm: number,
  side?: 'seeder' | 'leecher',
): string[] {
  return [...(expected[swarm] ?? [])]
    .filter(([, of]) => side === undefined || of === side)
    .map(([n]) => `10.${thread}.${n >> 8}.${n & 255}:${1000 + thread}`);
}

describe('a memory store that threads share', () => {
  let host: StorageHost;
  let collecting = true;

  beforeEach(async () => {
    host = await openHost({ shard_count: 8 });
    collecting = true;
  });

  afterEach(() => host.store.stop());

  const start = (thread: number, calls: number) =>
    StoreThread.start(host, thread, { calls, swarms: SWARMS, peers: PEERS });

  /** Collects garbage that is not there, over and over, as another thread among the others. */
  async function collectMeanwhile(): Promise<void> {
    while (collecting) await host.store.collectGarbage(Date.now() - 3_600_000);
  }

  it('agrees, when all is done, with what each thread did', { timeout: 120_000 }, async () => {
    const workers = await Promise.all([2, 3, 4].map((thread) => start(thread, 300_000)));
    const collector = collectMeanwhile();
    // A first limit, while all of them are at work: from here on peers are counted.
    const limit = (max_peers: number) =>
      memoryDriver.tune?.(host.store, memoryDriver.options.parse({ max_peers }));
    limit(1_000_000);
    const outcomes = await Promise.all(workers.map(({ outcome }) => outcome));
    collecting = false;
    await collector;

    expect(outcomes.flatMap(({ faults }) => faults)).toEqual([]);
    const stranger = announce({ peerId: somePeerId('stranger'), address: '203.0.113.1' }).peer;
    let seeders = 0;
    let leechers = 0;
    for (let swarm = 0; swarm < SWARMS; swarm++) {
      const names = (side?: 'seeder' | 'leecher') =>
        outcomes.flatMap((outcome, i) => namesOf(2 + i, outcome, swarm, side));
      const counts = await scrape(host.store, infohash(swarm));
      expect(counts.slice(0, 2)).toEqual([names('seeder').length, names('leecher').length]);
      const given = await offer(host.store, infohash(swarm), stranger, false, 5000);
      expect(given.peers.toSorted()).toEqual(names().toSorted());
      seeders += names('seeder').length;
      leechers += names('leecher').length;
    }
    expect(host.store.totals()).toMatchObject({ seeders, leechers });
    limit(seeders + leechers + 1);
    for (let i = 0; i < 3; i++) await host.store.putSeeder(someInfohash(1000 + i), stranger);
    expect(host.store.totals()).toMatchObject({ seeders: seeders + 1, leechers });
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it('goes on when threads are killed at work, whatever they were at', { timeout: 120_000 }, async () => {
    const survivor = await start(2, 400_000);
    let killed = 0;
    let alive = true;
    void survivor.outcome.then(() => {
      alive = false;
    });
    while (alive && killed < 40) {
      const victim = await start(3, 10_000_000);
      await new Promise((resolve) => setTimeout(resolve, 3 + Math.random() * 10));
      await victim.terminate();
      host.bury(3);
      killed++;
    }
    const outcome = await survivor.outcome;
    expect(outcome.faults).toEqual([]);
    expect(killed).toBeGreaterThan(3);

    // Every peer of the survivor is where it belongs, and no swarm holds anybody twice.
    const stranger = announce({ peerId: somePeerId('stranger'), address: '203.0.113.1' }).peer;
    let members = 0;
    for (let swarm = 0; swarm < SWARMS; swarm++) {
      const { peers, complete, incomplete } = await offer(host.store, infohash(swarm), stranger, false, 5000);
      expect(new Set(peers).size).toBe(peers.length);
      expect(peers.length).toBe(complete + incomplete);
      const own = peers.filter((name) => name.startsWith('10.2.'));
      expect(own.toSorted()).toEqual(namesOf(2, outcome, swarm).toSorted());
      members += peers.length;
    }
    const { seeders, leechers } = await host.store.totals();
    expect(seeders + leechers).toBe(members);

    // The store takes calls on every shard.
    for (let i = 0; i < 200; i++) await host.store.putSeeder(someInfohash(i), stranger);
    expect((await host.store.totals()).seeders).toBe(seeders + 200);
    await survivor.terminate();
  });
});

describe('two threads on one store', () => {
  /** All that the store says at one moment: nobody changes anything meanwhile. */
  function atOneMoment(store: MemoryPeerStore, shards: number): StoreTotals {
    const locks = Array.from({ length: shards }, (_, shard) => SHARD_LOCKS + shard);
    for (const lock of locks) store.locks.acquire(lock);
    const totals = store.totals();
    for (const lock of locks) store.locks.release(lock);
    return totals;
  }

  const shape = fc.record({
    shards: fc.constantFrom(1, 2, 16),
    swarms: fc.integer({ min: 1, max: 40 }),
    peers: fc.integer({ min: 1, max: 500 }),
    seed: fc.integer({ min: 1, max: 2 ** 30 }),
    maxSwarms: fc.constantFrom(0, 0, 3, 20),
    maxPeers: fc.constantFrom(0, 0, 50, 2000),
    maxPeersPerSwarm: fc.constantFrom(0, 0, 3, 530),
  });

  it('agree with an oracle, and never exceed a limit', { timeout: 120_000 }, async () => {
    const refusals = new Map<unknown, number>();
    let looks = 0;
    await fc.assert(
      fc.asyncProperty(shape, async ({ shards, maxSwarms, maxPeers, maxPeersPerSwarm, seed, ...work }) => {
        const host = await openHost({
          shard_count: shards,
          max_swarms: maxSwarms,
          max_peers: maxPeers,
          max_peers_per_swarm: maxPeersPerSwarm,
        });
        const store = host.store as MemoryPeerStore;
        const [mostSwarms, mostPeers, most] = [maxSwarms, maxPeers, maxPeersPerSwarm].map(
          (limit) => limit || Number.POSITIVE_INFINITY,
        ) as [number, number, number];
        const gate = new Gate();
        const threads = await Promise.all(
          [2, 3].map((thread) =>
            StoreThread.start(host, thread, { ...work, calls: 20_000, seed: seed + thread, most, gate }),
          ),
        );
        let going = true;
        const ended = Promise.all(threads.map(({ outcome }) => outcome)).finally(() => {
          going = false;
        });
        gate.open();
        while (going) {
          const { infohashes, seeders, leechers } = atOneMoment(store, shards);
          expect(infohashes).toBeLessThanOrEqual(mostSwarms);
          expect(seeders + leechers).toBeLessThanOrEqual(mostPeers);
          looks++;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        const outcomes = await ended;
        expect(outcomes.flatMap(({ faults }) => faults)).toEqual([]);

        const stranger = announce({ peerId: somePeerId('stranger'), address: '203.0.113.1' }).peer;
        const totals = { infohashes: 0, seeders: 0, leechers: 0 };
        for (let swarm = 0; swarm < work.swarms; swarm++) {
          const names = (side?: 'seeder' | 'leecher') =>
            outcomes.flatMap((outcome, i) => namesOf(2 + i, outcome, swarm, side)).toSorted();
          const [seeders, leechers] = [names('seeder'), names('leecher')];
          const snatches = outcomes.reduce((sum, outcome) => sum + (outcome.snatches[swarm] ?? 0), 0);
          expect(await scrape(store, infohash(swarm))).toEqual([seeders.length, leechers.length, snatches]);
          const all = await offer(store, infohash(swarm), stranger, false, 1000);
          expect(all.peers.toSorted()).toEqual(names());
          // A seeder is given leechers alone.
          const others = await offer(store, infohash(swarm), stranger, true, 1000);
          expect(others.peers.toSorted()).toEqual(leechers);
          expect(all.peers.length).toBeLessThanOrEqual(most);
          if (all.peers.length > 0) totals.infohashes++;
          totals.seeders += seeders.length;
          totals.leechers += leechers.length;
        }
        expect(store.totals()).toEqual(totals);
        expect(totals.infohashes).toBeLessThanOrEqual(mostSwarms);
        expect(totals.seeders + totals.leechers).toBeLessThanOrEqual(mostPeers);

        const counted = store.refused();
        expect(counted.reduce((sum, { value }) => sum + value, 0)).toBe(
          outcomes.reduce((sum, { refused }) => sum + refused, 0),
        );
        for (const { labels, value } of counted)
          refusals.set(labels.limit, (refusals.get(labels.limit) ?? 0) + value);
        await Promise.all(threads.map((thread) => thread.terminate()));
        await store.stop();
      }),
      {
        numRuns: 8,
        examples: [
          [
            {
              shards: 2,
              swarms: 30,
              peers: 100,
              seed: 1,
              maxSwarms: 20,
              maxPeers: 1500,
              maxPeersPerSwarm: 130,
            },
          ],
        ],
      },
    );
    // They were looked at while they were at work, and each limit was reached.
    expect(looks).toBeGreaterThan(50);
    expect([...refusals.keys()]).toEqual(['swarms', 'peers', 'peers_per_swarm']);
    expect(Math.min(...refusals.values())).toBeGreaterThan(0);
  });
});
