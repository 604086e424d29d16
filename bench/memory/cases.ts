/** What the memory store is filled with, and what it may occupy then. Each case runs in a process of its own. */

import { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import type { PeerStore } from '../../src/storage/storage.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { setInfohash, setPeer } from '../support/numbered.ts';
import { createStore } from '../support/store.ts';

/** Longer than any peer is remembered. */
const LONG = 3_600_000;

/** By how much memory that is used again may seem to grow: what the process does besides. */
const REUSE_NOISE = 8_000_000;

export interface MemoryCase {
  readonly name: string;
  readonly swarms: number;
  /** In each swarm, half of them seeders. */
  readonly peers: number;
  /** Most bytes of resident memory above those of the empty store: in all, or for each of something. */
  readonly limit: { readonly bytes: number; readonly per: 'all' | 'peer' | 'swarm' };
  /** Whether the store is then emptied by garbage collection, and filled again with others. */
  readonly refill: boolean;
}

export const cases: readonly MemoryCase[] = [
  {
    name: '1,000,000 peers in 10,000 swarms',
    swarms: 10_000,
    peers: 100,
    limit: { bytes: 80e6, per: 'all' },
    refill: true,
  },
  {
    name: '10,000,000 peers in 100,000 swarms',
    swarms: 100_000,
    peers: 100,
    limit: { bytes: 56, per: 'peer' },
    refill: false,
  },
  {
    name: '2,000,000 swarms of two peers',
    swarms: 2_000_000,
    peers: 2,
    limit: { bytes: 220, per: 'swarm' },
    refill: false,
  },
];

export interface Measurement {
  /** `filled`, `emptied`, `filled again`. */
  readonly state: string;
  /** Resident bytes above those of the process with an empty store. */
  readonly resident: number;
  /** What the store says that it has reserved. */
  readonly reserved: number;
  /** How long it took to get there, and how many peers came or went. */
  readonly seconds: number;
  readonly moved: number;
}

export interface CaseResult {
  readonly measurements: readonly Measurement[];
  readonly failures: readonly string[];
}

export async function runCase(test: MemoryCase): Promise<CaseResult> {
  const clock = new ManualClock();
  // The code is compiled before the empty process is looked at.
  fill(createStore(clock), 100, 2, 0);
  const store = createStore(clock);
  const empty = residentBytes();
  const measurements: Measurement[] = [];
  const failures: string[] = [];
  const total = test.swarms * test.peers;

  const step = async (state: string, held: number, work: () => void | Promise<void>) => {
    const start = performance.now();
    await work();
    const seconds = (performance.now() - start) / 1000;
    const { seeders, leechers } = store.totals();
    if (seeders + leechers !== held)
      failures.push(`${state}: expected ${held} peers, found ${seeders + leechers}`);
    const result = {
      state,
      resident: residentBytes() - empty,
      reserved: store.byteLength,
      seconds,
      moved: total,
    };
    measurements.push(result);
    return result;
  };

  const filled = await step('filled', total, () => fill(store, test.swarms, test.peers, 0));
  const { bytes, per } = test.limit;
  const found = filled.resident / (per === 'all' ? 1 : per === 'peer' ? total : test.swarms);
  if (found > bytes) failures.push(`expected at most ${bytes} bytes (${per}), found ${found.toFixed(1)}`);

  if (test.refill) {
    clock.advance(LONG);
    await step('emptied', 0, () => store.collectGarbage(clock.now()));
    const again = await step('filled again', total, () => fill(store, test.swarms, test.peers, test.swarms));
    if (again.reserved > filled.reserved) {
      failures.push(`the store reserved ${filled.reserved} bytes, and ${again.reserved} when filled again`);
    }
    if (again.resident > filled.resident + REUSE_NOISE) {
      failures.push(`${filled.resident} bytes were resident, and ${again.resident} when filled again`);
    }
  }
  return { measurements, failures };
}

/** Fills swarms from number `first` on. They grow together, a peer at a time, as on a tracker. */
function fill(store: PeerStore, swarms: number, peers: number, first: number): void {
  const infohash = new Infohash();
  const peer = new Peer();
  for (let i = 0; i < peers; i++) {
    for (let swarm = first; swarm < first + swarms; swarm++) {
      setInfohash(infohash, swarm);
      setPeer(peer, swarm * peers + i);
      if (i % 2 === 0) store.putSeeder(infohash, peer);
      else store.putLeecher(infohash, peer);
    }
  }
}

function residentBytes(): number {
  if (!globalThis.gc) throw new Error('expected node --expose-gc: run this by "npm run bench:memory"');
  globalThis.gc();
  return process.memoryUsage.rss();
}
