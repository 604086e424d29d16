/** Options of the memory store (`storage.config`). */

import { z } from 'zod';
import { count } from '../../pkg/options.ts';
import { storeOptions } from '../store-options.ts';

export const memoryOptions = z.strictObject({
  ...storeOptions,
  shard_count: count(
    1024,
    'Into how many parts the store is divided, rounded up to a power of two, at most 65536.',
  ),
});

export type MemoryOptions = z.output<typeof memoryOptions>;
