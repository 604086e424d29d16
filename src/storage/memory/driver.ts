/** The memory store as a driver. */

import { defineStorageDriver, type StorageDependencies } from '../driver.ts';
import { Upkeep } from '../upkeep.ts';
import { type MemoryOptions, memoryOptions } from './config.ts';
import { MemoryPeerStore, type StoreHandle } from './peer-store.ts';
import { StoreMemory } from './store-memory.ts';

export const memoryDriver = defineStorageDriver({
  name: 'memory',
  summary: 'Keeps all peers in the memory of this process.',
  options: memoryOptions,
  async open(options, dependencies) {
    return open(options, dependencies, false);
  },
  async host(options, dependencies) {
    const store = open(options, dependencies, true);
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

function open(options: MemoryOptions, dependencies: StorageDependencies, shared: boolean): MemoryPeerStore {
  const limits = {
    swarms: options.max_swarms,
    peers: options.max_peers,
    peersPerSwarm: options.max_peers_per_swarm,
  };
  const store = MemoryPeerStore.create({
    shardCount: options.shard_count,
    clock: dependencies.clock,
    shared,
    limits: Object.values(limits).some((limit) => limit > 0) ? limits : undefined,
  });
  store.keepUp(new Upkeep(store, options, dependencies));
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
