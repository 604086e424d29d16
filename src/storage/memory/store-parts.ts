/** What all parts of a store are made with, and how its areas, pools and locks are numbered. */

import { AddressFamily } from '../../bittorrent/address-family.ts';
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
  /** This thread's number: 0 of a store that only one thread has, else from 1 to MAX_THREADS - 1. */
  readonly thread: number;
  /** `undefined` without any. */
  readonly limits: Limits | undefined;
}

/** Threads that can have a store in common, the one that made it included. */
export const MAX_THREADS = 256;

/** Areas of each family; the first three are pools and locks, too. */
export const Area = { Blocks: 0, Records: 1, Swarms: 2, SwarmIndex: 3, PeerIndex: 4, Totals: 5 } as const;

/** The number of a family's area. */
export function areaOf(family: AddressFamily, area: number): number {
  return (family === AddressFamily.IPv4 ? 0 : 8) + area;
}

/** The area where the locks are. */
export const LOCKS_AREA = 16;

/** The area where limits count. */
export const LIMITS_AREA = 17;

/** The locks of shards follow those of pools. */
export const SHARD_LOCKS = 16;
