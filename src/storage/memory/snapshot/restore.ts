/** Opens a store with what the last snapshot holds: all of it, or, of a file that is not as it should be, nothing. */

import type { StorageDependencies } from '../../driver.ts';
import type { MemoryPeerStore } from '../peer-store.ts';
import { load } from './load.ts';
import { type Fault, SnapshotError } from './snapshot-error.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import type { SnapshotMetrics } from './snapshot-metrics.ts';

const ADVICE: Readonly<Record<Fault, string>> = {
  foreign: 'snapshot_path must name a file that nothing else writes',
  version: 'the version of the tracker that wrote it can read it',
  damaged: 'if there is a copy of a whole one, put it in its place before a start',
};

/**
 * @param create makes an empty store
 * @param lifetime how long peers are remembered, in milliseconds
 * @throws Error if there is something that cannot be opened, or moved out of the way
 */
export async function restore(
  file: SnapshotFile,
  create: () => MemoryPeerStore,
  lifetime: number,
  { clock, logger }: StorageDependencies,
  metrics: SnapshotMetrics,
): Promise<MemoryPeerStore> {
  const { path } = file;
  const handle = await file.openToRead();
  const store = create();
  if (!handle) {
    logger.info({ path }, 'there is no snapshot yet: the store starts empty');
    return store;
  }
  let fault: SnapshotError;
  try {
    const start = performance.now();
    const loaded = await load(store, handle, clock.now(), lifetime);
    const milliseconds = Math.round(performance.now() - start);
    logger.info({ path, ...loaded, milliseconds }, 'read a snapshot');
    if (loaded.refused > 0) logger.warn(`limits left out ${loaded.refused} peers of the snapshot`);
    metrics.tell(loaded.begun * 1000, loaded.bytes);
    return store;
  } catch (error) {
    await store.stop();
    if (!(error instanceof SnapshotError)) throw error;
    fault = error;
  } finally {
    await handle.close();
  }
  metrics.countFailedRead();
  const kept = await file.setAside();
  logger.error(
    { path, kept },
    `the snapshot ${path} is not used, and the store starts empty: ${fault.message}. It is kept as ${kept}: ${ADVICE[fault.fault]}`,
  );
  return create();
}
