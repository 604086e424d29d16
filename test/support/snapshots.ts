/** Snapshots of memory stores, without the timers around them. */

import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/pkg/clock.ts';
import { MemoryPeerStore } from '../../src/storage/memory/peer-store.ts';
import { type Loaded, load } from '../../src/storage/memory/snapshot/load.ts';
import { type Saved, save } from '../../src/storage/memory/snapshot/save.ts';
import { SnapshotFile } from '../../src/storage/memory/snapshot/snapshot-file.ts';

/** Longer than anything in a test takes. */
export const LONG = 3_600_000;

/** A directory that is removed after the test. */
export async function someDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chihaya-snapshot-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function saveTo(
  path: string,
  store: MemoryPeerStore,
  clock: Clock = systemClock,
): Promise<Saved> {
  const saved = await new SnapshotFile(path).replace((file) => save(store, file, clock.now(), () => false));
  if (!saved) throw new Error('the snapshot was abandoned');
  return saved;
}

/** Rejects with what is wrong with the file. */
export async function loadInto(
  store: MemoryPeerStore,
  path: string,
  clock: Clock = systemClock,
  lifetime = LONG,
): Promise<Loaded> {
  const file = await open(path, 'r');
  try {
    return await load(store, file, clock.now(), lifetime);
  } finally {
    await file.close();
  }
}

export function someStore(clock: Clock = systemClock, shardCount = 16): MemoryPeerStore {
  return MemoryPeerStore.create({ shardCount, clock });
}
