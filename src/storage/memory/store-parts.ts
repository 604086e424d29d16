/** What all parts of a store are made with. */

import type { Limits } from './limits.ts';
import type { NoLocks } from './locks.ts';
import type { StoreMemory } from './store-memory.ts';

/** Two secret words that keep clients from choosing where things land in hash tables. */
export interface HashKey {
  readonly key0: number;
  readonly key1: number;
}

export interface StoreParts {
  readonly memory: StoreMemory;
  readonly locks: NoLocks;
  readonly key: HashKey;
  /** A power of two. */
  readonly shards: number;
  readonly limits: Limits;
}
