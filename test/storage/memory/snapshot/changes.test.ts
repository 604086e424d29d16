/**
 * Swarms that change while they are copied, between one slice and the next: whoever is there all the while is in
 * the snapshot, however much the others make them change places.
 */

import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AddressFamily } from '../../../../src/bittorrent/address-family.ts';
import type { MemoryPeerStore } from '../../../../src/storage/memory/peer-store.ts';
import { BlockWriter } from '../../../../src/storage/memory/snapshot/block-writer.ts';
import { SwarmCopy } from '../../../../src/storage/memory/snapshot/swarm-copy.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { someInfohash } from '../../../support/requests.ts';
import { loadInto, someDirectory, someStore } from '../../../support/snapshots.ts';
import { name, offer, peer } from '../../../support/store-calls.ts';

const SWARM = someInfohash(0);
const OTHER = someInfohash(1);

/** Those that stay have even numbers, those that come and go odd ones. */
const STAYING = Array.from({ length: 800 }, (_, i) => 2 * i);

/** Copies IPv4 swarms in the shortest slices there are, and has `change` called after each. */
async function saveWhile(
  store: MemoryPeerStore,
  path: string,
  change: (slice: number) => void,
): Promise<number> {
  writeFileSync(path, '');
  const file = await open(path, 'r+');
  try {
    const writer = new BlockWriter(file);
    await writer.writeHeader(0);
    const [peers] = store.families;
    if (!peers) throw new Error('no family');
    const copy = new SwarmCopy(peers, store.locks);
    writer.block.begin(AddressFamily.IPv4);
    let slices = 0;
    for (;;) {
      const pause = copy.slice(writer.block, 0);
      if (pause !== 'time') await writer.next();
      if (pause === 'end') break;
      if (pause === 'room') writer.block.begin(AddressFamily.IPv4);
      change(slices++);
    }
    await writer.end(copy.entries, copy.copied);
    return copy.copied;
  } finally {
    await file.close();
  }
}

function act(store: MemoryPeerStore, kind: number, n: number): void {
  const odd = peer(2 * n + 1);
  const even = peer(2 * n);
  switch (kind) {
    case 0:
      store.putSeeder(SWARM, odd);
      break;
    case 1:
      store.putLeecher(SWARM, odd);
      break;
    case 2:
      store.deleteSeeder(SWARM, odd);
      store.deleteLeecher(SWARM, odd);
      break;
    case 3:
      store.putSeeder(SWARM, even);
      break;
    case 4:
      store.putLeecher(SWARM, even);
      break;
    default:
      store.graduateLeecher(SWARM, even);
  }
}

async function expectAll(path: string, clock: ManualClock, staying: readonly number[]): Promise<void> {
  const loaded = someStore(clock);
  await loadInto(loaded, path, clock);
  const { peers, complete, incomplete } = await offer(loaded, SWARM, peer(1_000_001), false, 5000);
  expect(new Set(peers).size).toBe(peers.length);
  expect(peers.length).toBe(complete + incomplete);
  const found = new Set(peers);
  expect(staying.filter((n) => !found.has(name(peer(n))))).toEqual([]);
}

it('misses nobody, and takes nobody for two', { timeout: 60_000 }, async () => {
  const path = join(await someDirectory(), 'snapshot');
  const change = fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: STAYING.length - 1 }));
  const changes = fc.array(fc.array(change, { maxLength: 60, size: 'max' }), {
    minLength: 12,
    maxLength: 12,
  });
  let copiedTwice = 0;
  await fc.assert(
    fc.asyncProperty(changes, async (bySlice) => {
      const clock = new ManualClock();
      const store = someStore(clock);
      for (const n of STAYING) store[n % 3 === 0 ? 'putSeeder' : 'putLeecher'](SWARM, peer(n));
      for (let n = 0; n < 300; n += 2) store.putLeecher(SWARM, peer(2 * n + 1));
      const copied = await saveWhile(store, path, (slice) => {
        for (const [kind, n] of bySlice[slice] ?? []) act(store, kind, n);
      });
      if (copied > store.totals().seeders + store.totals().leechers) copiedTwice++;
      await expectAll(path, clock, STAYING);
    }),
    { numRuns: 100 },
  );
  expect(copiedTwice).toBeGreaterThan(10);
});

it('begins a swarm again in which more has changed than could be noted', async () => {
  const path = join(await someDirectory(), 'snapshot');
  const clock = new ManualClock();
  const store = someStore(clock);
  for (const n of STAYING) store.putLeecher(SWARM, peer(n));
  const copied = await saveWhile(store, path, (slice) => {
    if (slice !== 3) return;
    for (let turn = 0; turn < 40; turn++) {
      for (const n of STAYING.toReversed())
        store[turn % 2 === 0 ? 'putSeeder' : 'putLeecher'](SWARM, peer(n));
      for (const n of STAYING) store[turn % 2 === 0 ? 'putLeecher' : 'putSeeder'](SWARM, peer(n));
    }
  });
  expect(copied).toBe(STAYING.length + 4 * 128);
  await expectAll(path, clock, STAYING);
});

it('leaves a swarm that is gone, and whatever has taken its place', async () => {
  const path = join(await someDirectory(), 'snapshot');
  const clock = new ManualClock();
  const store = someStore(clock);
  for (const n of STAYING) store.putLeecher(SWARM, peer(n));
  const copied = await saveWhile(store, path, (slice) => {
    if (slice !== 2) return;
    for (const n of STAYING) store.deleteLeecher(SWARM, peer(n));
    for (const n of STAYING) store.putLeecher(OTHER, peer(n));
  });
  expect(copied).toBe(3 * 128);
  const loaded = someStore(clock);
  await loadInto(loaded, path, clock);
  expect(loaded.totals()).toEqual({ infohashes: 1, seeders: 0, leechers: 3 * 128 });
});

it('copies on in a swarm that shrinks to a few, and grows again', async () => {
  const path = join(await someDirectory(), 'snapshot');
  const clock = new ManualClock();
  const store = someStore(clock);
  for (const n of STAYING) store.putLeecher(SWARM, peer(n));
  await saveWhile(store, path, (slice) => {
    if (slice === 2) for (const n of STAYING.slice(0, 790)) store.deleteLeecher(SWARM, peer(n));
    if (slice === 3) for (const n of STAYING.slice(0, 790)) store.putSeeder(SWARM, peer(n));
  });
  await expectAll(path, clock, STAYING.slice(790));
});
