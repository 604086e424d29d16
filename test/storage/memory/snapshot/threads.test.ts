/** Snapshots of a store that other threads, compiled and real, are at work on. */

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Infohash } from '../../../../src/bittorrent/infohash.ts';
import { Peer } from '../../../../src/bittorrent/peer.ts';
import { systemClock } from '../../../../src/pkg/clock.ts';
import { silentLogger } from '../../../../src/pkg/logger.ts';
import type { StorageHost } from '../../../../src/storage/driver.ts';
import { memoryDriver } from '../../../../src/storage/memory/driver.ts';
import type { MemoryPeerStore } from '../../../../src/storage/memory/peer-store.ts';
import { loadInto, saveTo, someDirectory, someStore } from '../../../support/snapshots.ts';
import { scrape } from '../../../support/store-calls.ts';
import { StoreThread } from '../../../support/store-thread.ts';

const SWARMS = 40;

/** Those of the first swarm, half of them seeders, that no thread touches. */
const STAYING = 10_000;
const NOBODY = 9;

/** How many peers each thread has. */
const PEERS = 900;

function infohash(swarm: number): Infohash {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(swarm, 4);
  return Infohash.fromHex(bytes.toString('hex'));
}

/** Peer `n` of a thread, as `store-thread.js` has it. */
function peerOf(owner: number, n: number): Peer {
  const peer = new Peer();
  const id = Buffer.alloc(20, owner);
  id.writeUInt32BE(n, 8);
  peer.setId(id, 0);
  peer.setAddress(Uint8Array.of(10, owner, n >> 8, n & 255), 0, 4);
  peer.port = 1000 + owner;
  return peer;
}

describe('snapshots of a store that threads share', () => {
  let host: StorageHost;
  let store: MemoryPeerStore;

  beforeEach(async () => {
    const options = memoryDriver.options.parse({ shard_count: 8 });
    const dependencies = {
      logger: silentLogger,
      metrics: { register() {} },
      clock: systemClock,
      upkeep: true,
    };
    host = (await memoryDriver.host?.(options, dependencies)) as StorageHost;
    store = host.store as MemoryPeerStore;
    for (let n = 0; n < STAYING; n++)
      store[n % 2 === 0 ? 'putSeeder' : 'putLeecher'](infohash(0), peerOf(NOBODY, n));
  });

  afterEach(() => host.store.stop());

  const start = (thread: number, calls: number) =>
    StoreThread.start(host, thread, { calls, swarms: SWARMS, peers: PEERS });

  /** The threads' peers on one side of a swarm, which are removed. */
  function members(of: MemoryPeerStore, swarm: number, side: 'Seeder' | 'Leecher'): string[] {
    const found: string[] = [];
    for (const owner of [2, 3, 4]) {
      for (let n = 0; n < PEERS; n++) {
        if (!of[`delete${side}`](infohash(swarm), peerOf(owner, n))) found.push(`${owner}:${n}`);
      }
    }
    return found;
  }

  /** Writes a snapshot and looks whether it is sound; returns what it holds. */
  async function snapshot(path: string): Promise<MemoryPeerStore> {
    await saveTo(path, store);
    const loaded = someStore();
    await loadInto(loaded, path);
    const before = await scrape(loaded, infohash(0));
    const missing: number[] = [];
    const twice: number[] = [];
    for (let n = 0; n < STAYING; n++) {
      const side = n % 2 === 0 ? 'Seeder' : 'Leecher';
      const peer = peerOf(NOBODY, n);
      if (loaded[`delete${side}`](infohash(0), peer)) missing.push(n);
      if (!loaded.deleteSeeder(infohash(0), peer) || !loaded.deleteLeecher(infohash(0), peer)) twice.push(n);
      loaded[`put${side}`](infohash(0), peer);
    }
    expect({ missing, twice }).toEqual({ missing: [], twice: [] });
    expect(await scrape(loaded, infohash(0))).toEqual(before);
    return loaded;
  }

  it('hold everybody who was there all the while', { timeout: 120_000 }, async () => {
    const path = join(await someDirectory(), 'snapshot');
    const workers = await Promise.all([2, 3, 4].map((thread) => start(thread, 100_000)));
    let atWork = true;
    const ends = Promise.all(workers.map(({ outcome }) => outcome));
    void ends.then(() => {
      atWork = false;
    });
    let taken = 0;
    for (; atWork; taken++) await (await snapshot(path)).stop();
    expect(taken).toBeGreaterThan(1);
    for (const { faults } of await ends) expect(faults).toEqual([]);

    // When nothing changes any more, a snapshot is the same as the store.
    const loaded = await snapshot(path);
    for (let swarm = 0; swarm < SWARMS; swarm++) {
      expect(await scrape(loaded, infohash(swarm))).toEqual(await scrape(store, infohash(swarm)));
      for (const side of ['Seeder', 'Leecher'] as const) {
        expect(members(loaded, swarm, side)).toEqual(members(store, swarm, side));
      }
    }
    expect(loaded.totals()).toEqual(store.totals());
    expect(loaded.totals()).toEqual({ infohashes: 1, seeders: STAYING / 2, leechers: STAYING / 2 });
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it('go on when threads are killed at work', { timeout: 120_000 }, async () => {
    const path = join(await someDirectory(), 'snapshot');
    let killing = true;
    const killer = (async () => {
      for (let killed = 0; killed < 12; killed++) {
        const victim = await start(3, 10_000_000);
        await new Promise((resolve) => setTimeout(resolve, 3 + Math.random() * 10));
        await victim.terminate();
        host.bury(3);
      }
      killing = false;
    })();
    let taken = 0;
    for (; killing; taken++) await (await snapshot(path)).stop();
    await killer;
    expect(taken).toBeGreaterThan(3);
  });
});
