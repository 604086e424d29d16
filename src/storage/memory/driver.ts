/** The memory store as a driver. */

import { defineStorageDriver } from '../driver.ts';
import { Upkeep } from '../upkeep.ts';
import { memoryOptions } from './config.ts';
import { MemoryPeerStore, type StoreHandle } from './peer-store.ts';
import { StoreMemory } from './store-memory.ts';

export const memoryDriver = defineStorageDriver({
  name: 'memory',
  summary: 'Keeps all peers in the memory of this process.',
  options: memoryOptions,
  async open(options, dependencies) {
    const store = MemoryPeerStore.create(options.shard_count, dependencies.clock);
    store.keepUp(new Upkeep(store, options, dependencies));
    return store;
  },
  async host(options, dependencies) {
    const store = MemoryPeerStore.create(options.shard_count, dependencies.clock, true);
    store.keepUp(new Upkeep(store, options, dependencies));
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
