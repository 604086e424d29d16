/** The memory store as a driver. */

import { defineStorageDriver } from '../driver.ts';
import { Upkeep } from '../upkeep.ts';
import { memoryOptions } from './config.ts';
import { MemoryPeerStore } from './peer-store.ts';

export const memoryDriver = defineStorageDriver({
  name: 'memory',
  summary: 'Keeps all peers in the memory of this process.',
  options: memoryOptions,
  async open(options, dependencies) {
    const store = new MemoryPeerStore(options.shard_count, dependencies.clock);
    store.keepUp(new Upkeep(store, options, dependencies));
    return store;
  },
});
