/** A kind of peer store: a folder here, and a line in `drivers.ts`. */

import type { z } from 'zod';
import type { Clock } from '../pkg/clock.ts';
import type { Logger } from '../pkg/logger.ts';
import type { MetricRegistry } from '../pkg/metrics.ts';
import type { PeerStore } from './storage.ts';

/** What a store is made with besides its options. */
export interface StorageDependencies {
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly clock: Clock;
  /**
   * Whether this thread collects garbage and publishes the totals. One thread of a process does; the workers that
   * open a store beside it measure only what they do themselves.
   */
  readonly upkeep: boolean;
}

export interface StorageDriver<Schema extends z.ZodType = z.ZodType> {
  /** `storage.name` in the configuration. */
  readonly name: string;
  /** One sentence for the generated documentation. */
  readonly summary: string;
  /** The schema of `storage.config`: strict, with defaults. */
  readonly options: Schema;
  open(options: z.output<Schema>, dependencies: StorageDependencies): Promise<PeerStore>;
  /**
   * Gives a store that `open` or `host` has opened other options, at once and without fail. Those that are marked
   * `fixed` are what they were. Of a driver without it, all are fixed.
   */
  tune?(store: PeerStore, options: z.output<Schema>): void;
  /**
   * Opens a store that worker threads have in common with this one. A driver without it is opened by each
   * worker for itself, as suits a store that lies elsewhere.
   */
  host?(options: z.output<Schema>, dependencies: StorageDependencies): Promise<StorageHost>;
  /** In a worker: prepares to share the store of the thread that sent the invitation. */
  join?(invitation: unknown): StorageGuest;
}

/** The thread that others share its store with. It does the upkeep for all. */
export interface StorageHost {
  /** This thread's own access to the store; stopping it ends the sharing. */
  readonly store: PeerStore;
  /** What `join` needs; can be sent to another thread. */
  readonly invitation: unknown;
  /** What `StorageGuest.open` needs; made after the worker has joined, and sent to it. */
  admit(): unknown;
  /** A worker has died: frees what it held and mends what it left half done. Its number may be given away again. */
  bury(thread: number): void;
}

/** A worker that has joined, and has yet to be admitted. */
export interface StorageGuest {
  /** @param thread the worker's number: from 2 to 255, and no other's */
  open(admission: unknown, thread: number, dependencies: { readonly clock: Clock }): PeerStore;
}

/** Ties the type of `open`'s options to the schema. */
export function defineStorageDriver<Schema extends z.ZodType>(
  driver: StorageDriver<Schema>,
): StorageDriver<Schema> {
  return driver;
}
