/** How the areas, pools and locks of a store are numbered. */

import { AddressFamily } from '../../bittorrent/address-family.ts';

/** Threads that can have a store in common; their numbers go from 1, which made it, to one below this. */
export const MAX_THREADS = 256;

/** Areas of each family; the first three are pools and locks, too. */
export const Area = {
  Blocks: 0,
  Records: 1,
  Swarms: 2,
  SwarmIndex: 3,
  PeerIndex: 4,
  Totals: 5,
  Copy: 6,
} as const;

/** The number of a family's area. */
export function areaOf(family: AddressFamily, area: number): number {
  return (family === AddressFamily.IPv4 ? 0 : 8) + area;
}

/** The area where the locks are. */
export const LOCKS_AREA = 16;

/** The area where limits count. */
export const LIMITS_AREA = 17;

/** The area where each thread tells the system's number for it. */
export const THREADS_AREA = 18;

/** The locks of shards follow those of pools. */
export const SHARD_LOCKS = 16;
