/** The one place where benchmarks make a memory store. */

import { type Clock, systemClock } from '../../src/pkg/clock.ts';
import { MemoryPeerStore } from '../../src/storage/memory/peer-store.ts';

/** The default of `shard_count`. */
const SHARDS = 1024;

export function createStore(clock: Clock = systemClock): MemoryPeerStore {
  return MemoryPeerStore.create({ shardCount: SHARDS, clock: clock });
}
