/** The memory store as a driver. */

import { defineStorageDriver, type StorageDependencies } from '../driver.ts';
import { Upkeep } from '../upkeep.ts';
import { type MemoryOptions, memoryOptions } from './config.ts';
import { MemoryPeerStore, type StoreHandle } from './peer-store.ts';
import { restore } from './snapshot/restore.ts';
import { SnapshotFile } from './snapshot/snapshot-file.ts';
import { SnapshotMetrics } from './snapshot/snapshot-metrics.ts';
import { Snapshots } from './snapshot/snapshots.ts';
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
  join(invitation) {
    const memory = StoreMemory.join(invitation as string);
    return {
      open: (admission, thread, { clock }) =>
        MemoryPeerStore.open(memory, admission as StoreHandle, thread, clock),
    };
  },
});

async function open(
  options: MemoryOptions,
  dependencies: StorageDependencies,
  shared: boolean,
): Promise<MemoryPeerStore> {
  const limits = {
    swarms: options.max_swarms,
    peers: options.max_peers,
    peersPerSwarm: options.max_peers_per_swarm,
  };
  const create = () =>
    MemoryPeerStore.create({
      shardCount: options.shard_count,
      clock: dependencies.clock,
      shared,
      limits: Object.values(limits).some((limit) => limit > 0) ? limits : undefined,
    });
  const store = await openStore(options, dependencies, create);
  dependencies.metrics.register({
    name: 'chihaya_storage_refused_total',
    help: 'Announces that were answered but not stored because of a limit',
    type: 'counter',
    collect: () => store.refused(),
  });
  dependencies.metrics.register({
    name: 'chihaya_storage_reserved_bytes',
    help: 'Memory that the store has reserved for swarms and peers, in use or not',
    type: 'gauge',
    collect: () => [{ labels: {}, value: store.byteLength }],
  });
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
    store.keepUp(new Upkeep(store, options, dependencies));
    return store;
  }
  const file = new SnapshotFile(snapshot_path);
  const leftovers = await file.prepare();
  if (leftovers > 0) dependencies.logger.info(`removed ${leftovers} unfinished snapshots`);
  const store = await restore(file, create, peer_lifetime, dependencies, snapshotMetrics);
  store.keepUp(
    new Upkeep(store, options, dependencies),
    new Snapshots(store, file, snapshot_interval, dependencies, snapshotMetrics),
  );
  return store;
}
