/** The memory store as a driver. */

import { defineStorageDriver, type StorageDependencies } from '../driver.ts';
import type { PeerStore } from '../storage.ts';
import { Upkeep } from '../upkeep.ts';
import { type MemoryOptions, memoryOptions } from './config.ts';
import type { StoreLimits } from './limits.ts';
import { registerStoreMetrics } from './metrics.ts';
import { MemoryPeerStore, type StoreHandle } from './peer-store.ts';
import { SnapshotMetrics } from './snapshot/snapshot-metrics.ts';
import { StoreMemory } from './store-memory.ts';

export const memoryDriver = defineStorageDriver({
  name: 'memory',
  summary: 'Keeps all peers in the memory of this process.',
  options: memoryOptions,
  async open(options, dependencies) {
    return open(options, dependencies, false);
  },
  async host(options, dependencies) {
    const store = await open(options, dependencies, true);
    return {
      store,
      invitation: store.channelName,
      admit: () => store.handle(),
      bury: (thread) => store.bury(thread),
    };
  },
  tune(store, options) {
    upkeeps.get(store)?.tune(options);
    (store as MemoryPeerStore).limit(limitsOf(options));
  },
  join(invitation) {
    const memory = StoreMemory.join(invitation as string);
    return {
      open: (admission, thread, { clock }) =>
        MemoryPeerStore.open(memory, admission as StoreHandle, thread, clock),
    };
  },
});

/** The upkeep of each store that this thread has opened. */
const upkeeps = new WeakMap<PeerStore, Upkeep>();

async function open(
  options: MemoryOptions,
  dependencies: StorageDependencies,
  shared: boolean,
): Promise<MemoryPeerStore> {
  const create = () =>
    MemoryPeerStore.create({
      shardCount: options.shard_count,
      clock: dependencies.clock,
      shared,
      limits: limitsOf(options),
    });
  const store = await openStore(options, dependencies, create);
  registerStoreMetrics(store, dependencies.metrics);
  return store;
}

/** The store with its upkeep, and with snapshots if they are asked for. */
async function openStore(
  options: MemoryOptions,
  dependencies: StorageDependencies,
  create: () => MemoryPeerStore,
): Promise<MemoryPeerStore> {
  const { snapshot_path, snapshot_interval, peer_lifetime } = options;
  const { metrics, clock } = dependencies;
  const snapshotMetrics = new SnapshotMetrics(metrics, clock, snapshot_path !== undefined);
  if (snapshot_path === undefined) {
    const store = create();
    store.keepUp(upkeepOf(store, options, dependencies));
    return store;
  }
  const [{ restore }, { SnapshotFile }, { Snapshots }] = await Promise.all([
    import('./snapshot/restore.ts'),
    import('./snapshot/snapshot-file.ts'),
    import('./snapshot/snapshots.ts'),
  ]);
  const file = new SnapshotFile(snapshot_path);
  const leftovers = await file.prepare();
  if (leftovers > 0) dependencies.logger.info(`removed ${leftovers} unfinished snapshots`);
  const store = await restore(file, create, peer_lifetime, dependencies, snapshotMetrics);
  store.keepUp(
    upkeepOf(store, options, dependencies),
    new Snapshots(store, file, snapshot_interval, dependencies, snapshotMetrics),
  );
  return store;
}

function upkeepOf(store: PeerStore, options: MemoryOptions, dependencies: StorageDependencies): Upkeep {
  const upkeep = new Upkeep(store, options, dependencies);
  upkeeps.set(store, upkeep);
  return upkeep;
}

function limitsOf({ max_swarms, max_peers, max_peers_per_swarm }: MemoryOptions): StoreLimits {
  return { swarms: max_swarms, peers: max_peers, peersPerSwarm: max_peers_per_swarm };
}
