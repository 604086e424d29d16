/** The memory store as several threads have it: compiled, and in threads of their own. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Infohash } from '../../../src/bittorrent/infohash.ts';
import { systemClock } from '../../../src/pkg/clock.ts';
import { silentLogger } from '../../../src/pkg/logger.ts';
import type { StorageHost } from '../../../src/storage/driver.ts';
import { memoryDriver } from '../../../src/storage/memory/driver.ts';
import { announce, someInfohash, somePeerId } from '../../support/requests.ts';
import { offer, scrape } from '../../support/store-calls.ts';

interface Outcome {
  readonly faults: string[];
  readonly expected: Map<number, 'seeder' | 'leecher'>[];
}

const SWARMS = 40;
const PEERS = 400;

function infohash(swarm: number): Infohash {
  const infohash = new Infohash();
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(swarm, 4);
  infohash.set(bytes, 0);
  return infohash;
}

describe('a memory store that threads share', () => {
  let host: StorageHost;
  let collecting = true;

  beforeEach(async () => {
    const options = memoryDriver.options.parse({ shard_count: 8 });
    host = (await memoryDriver.host?.(options, {
      logger: silentLogger,
      metrics: { register() {} },
      clock: systemClock,
      upkeep: true,
    })) as StorageHost;
    collecting = true;
  });

  afterEach(() => host.store.stop());

  /** Starts a thread and resolves when it is at work. */
  async function start(thread: number, calls: number): Promise<Worker> {
    const worker = new Worker(new URL('../../support/store-thread.js', import.meta.url), {
      workerData: {
        invitation: host.invitation,
        thread,
        seed: 7919 * thread,
        calls,
        swarms: SWARMS,
        peers: PEERS,
      },
    });
    await once(worker, 'message');
    worker.postMessage({ admission: host.admit() });
    await once(worker, 'message');
    return worker;
  }

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
    const outcomes = (await Promise.all(workers.map((worker) => once(worker, 'message')))).map(
      ([outcome]) => outcome as Outcome,
    );
    collecting = false;
    await collector;

    expect(outcomes.flatMap(({ faults }) => faults)).toEqual([]);
    const stranger = announce({ peerId: somePeerId('stranger'), address: '203.0.113.1' }).peer;
    let seeders = 0;
    let leechers = 0;
    for (let swarm = 0; swarm < SWARMS; swarm++) {
      const members = outcomes.flatMap(({ expected }, i) =>
        [...(expected[swarm] ?? [])].map(([n, side]) => [
          `10.${2 + i}.${n >> 8}.${n & 255}:${1002 + i}`,
          side,
        ]),
      );
      const names = (side: string) => members.filter(([, of]) => of === side).map(([name]) => name);
      const counts = await scrape(host.store, infohash(swarm));
      expect(counts.slice(0, 2)).toEqual([names('seeder').length, names('leecher').length]);
      const given = await offer(host.store, infohash(swarm), stranger, false, 5000);
      expect(given.peers.length).toBe(Math.min(members.length, 4500));
      expect(new Set(given.peers)).toEqual(new Set(members.map(([name]) => name)));
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
    const end = once(survivor, 'message') as Promise<[Outcome]>;
    let killed = 0;
    let alive = true;
    void end.then(() => {
      alive = false;
    });
    while (alive && killed < 40) {
      const victim = await start(3, 10_000_000);
      await new Promise((resolve) => setTimeout(resolve, 3 + Math.random() * 10));
      await victim.terminate();
      host.bury(3);
      killed++;
    }
    const [{ faults, expected }] = await end;
    expect(faults).toEqual([]);
    expect(killed).toBeGreaterThan(3);

    // Every peer of the survivor is where it belongs, and no swarm holds anybody twice.
    const stranger = announce({ peerId: somePeerId('stranger'), address: '203.0.113.1' }).peer;
    let members = 0;
    for (let swarm = 0; swarm < SWARMS; swarm++) {
      const { peers, complete, incomplete } = await offer(host.store, infohash(swarm), stranger, false, 5000);
      expect(new Set(peers).size).toBe(peers.length);
      expect(peers.length).toBe(complete + incomplete);
      const own = [...(expected[swarm] ?? [])].map(([n]) => `10.2.${n >> 8}.${n & 255}:1002`);
      expect(peers.filter((name) => name.startsWith('10.2.')).sort()).toEqual(own.sort());
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
