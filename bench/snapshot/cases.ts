/** What snapshots are written of and read into, and how long that may take. Each case runs in a process of its own. */

import { open, rm, stat } from 'node:fs/promises';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import type { MemoryPeerStore } from '../../src/storage/memory/peer-store.ts';
import { Block } from '../../src/storage/memory/snapshot/block.ts';
import { load } from '../../src/storage/memory/snapshot/load.ts';
import { SLICE, save } from '../../src/storage/memory/snapshot/save.ts';
import { SnapshotFile } from '../../src/storage/memory/snapshot/snapshot-file.ts';
import { type Pause, SwarmCopy } from '../../src/storage/memory/snapshot/swarm-copy.ts';
import { setInfohash, setPeer, setPeerV6 } from '../support/numbered.ts';
import { createStore } from '../support/store.ts';

/** Longer than a benchmark takes. */
const LIFETIME = 3_600_000;

export interface SnapshotCase {
  readonly name: string;
  readonly swarms: number;
  /** In each swarm, half of them seeders. */
  readonly peers: number;
  readonly set: (peer: Peer, number: number) => void;
}

export const cases: readonly SnapshotCase[] = [
  { name: '1,000,000 peers in 10,000 swarms', swarms: 10_000, peers: 100, set: setPeer },
  { name: '10,000,000 peers in 100,000 swarms', swarms: 100_000, peers: 100, set: setPeer },
  { name: '10,000,000 peers in 10 swarms', swarms: 10, peers: 1_000_000, set: setPeer },
  { name: '2,000,000 swarms of two peers', swarms: 2_000_000, peers: 2, set: setPeer },
  { name: '5,000,000 IPv6 peers in 50,000 swarms', swarms: 50_000, peers: 100, set: setPeerV6 },
];

/** Seconds, bytes and milliseconds. */
export interface Measurement {
  readonly bytes: number;
  readonly written: number;
  /** Half of the slices are shorter than the first, 99 of 100 than the second, and all others than the third: with what else ran on the processor meanwhile. */
  readonly slices: readonly [median: number, long: number, longest: number];
  /** By how much the resident memory grew while it was written. */
  readonly growth: number;
  readonly read: number;
  /** Resident memory that the store read takes, against that of the store written. */
  readonly memoryRatio: number;
  readonly failures: readonly string[];
}

export async function runCase(test: SnapshotCase, path: string): Promise<Measurement> {
  const failures: string[] = [];
  // The code is compiled before anything is measured.
  const small = createStore();
  fill(small, { ...test, swarms: 100, peers: 500 });
  for (let i = 0; i < 20; i++) measureSlices(small);

  const empty = process.memoryUsage.rss();
  const store = createStore();
  fill(store, test);
  globalThis.gc?.();
  const full = process.memoryUsage.rss();

  const slices = measureSlices(store);
  const at = (share: number) => slices[Math.floor(slices.length * share)] ?? 0;
  const file = new SnapshotFile(path);
  let most = full;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  const start = performance.now();
  await file.replace((handle) => save(store, handle, Date.now(), () => false));
  const written = performance.now() - start;
  clearInterval(watch);

  const handle = await open(path, 'r');
  const other = createStore();
  const before = process.memoryUsage.rss();
  const readStart = performance.now();
  await load(other, handle, Date.now(), LIFETIME);
  const read = performance.now() - readStart;
  globalThis.gc?.();
  const after = process.memoryUsage.rss();
  await handle.close();
  const found = JSON.stringify(other.totals());
  const expected = JSON.stringify(store.totals());
  if (found !== expected) failures.push(`expected ${expected}, found ${found}`);
  const bytes = (await stat(path)).size;
  await rm(path);
  return {
    bytes,
    written: written / 1000,
    slices: [at(0.5), at(0.99), slices.at(-1) ?? 0],
    growth: most - full,
    read: read / 1000,
    memoryRatio: (after - before) / (full - empty),
    failures,
  };
}

/** How long each slice of a snapshot takes that is not written anywhere, the shortest first. */
function measureSlices(store: MemoryPeerStore): number[] {
  const block = new Block();
  const milliseconds: number[] = [];
  for (const peers of store.families) {
    const copy = new SwarmCopy(peers, store.locks);
    let pause: Pause;
    do {
      const start = performance.now();
      pause = copy.slice(block, start + SLICE);
      if (pause !== 'time') block.seal(0);
      milliseconds.push(performance.now() - start);
      if (pause === 'room') block.begin(peers.family);
    } while (pause !== 'end');
  }
  return milliseconds.sort((a, b) => a - b);
}

/** Swarms grow together, a peer at a time, as on a tracker. */
function fill(store: MemoryPeerStore, { swarms, peers, set }: SnapshotCase): void {
  const infohash = new Infohash();
  const peer = new Peer();
  for (let i = 0; i < peers; i++) {
    for (let swarm = 0; swarm < swarms; swarm++) {
      setInfohash(infohash, swarm);
      set(peer, swarm * peers + i);
      if (i % 2 === 0) store.putSeeder(infohash, peer);
      else store.putLeecher(infohash, peer);
    }
  }
}
