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
}

export interface StorageDriver<Schema extends z.ZodType = z.ZodType> {
  /** `storage.name` in the configuration. */
  readonly name: string;
  /** One sentence for the generated documentation. */
  readonly summary: string;
  /** The schema of `storage.config`: strict, with defaults. */
  readonly options: Schema;
  open(options: z.output<Schema>, dependencies: StorageDependencies): Promise<PeerStore>;
}

/** Ties the type of `open`'s options to the schema. */
export function defineStorageDriver<Schema extends z.ZodType>(
  driver: StorageDriver<Schema>,
): StorageDriver<Schema> {
  return driver;
}
