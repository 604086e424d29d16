/** Options of the memory store (`storage.config`). */

import { z } from 'zod';
import { count, duration, limit, text } from '../../pkg/options.ts';
import { storeOptions } from '../store-options.ts';

export const memoryOptions = z.strictObject({
  ...storeOptions,
  shard_count: count(
    1024,
    'Into how many parts the store is divided, rounded up to a power of two, at most 65536.',
    { fixed: true },
  ),
  max_swarms: limit('Most swarms that are kept; an announce to another is answered but not stored.'),
  max_peers: limit(
    'Most peers that are kept, over all swarms; the announce of another is answered but not stored.',
  ),
  max_peers_per_swarm: limit('Most peers of one swarm; the announce of another is answered but not stored.'),
  snapshot_path: text(
    'A file for snapshots, such as `/var/lib/chihaya/swarms.snapshot`, from which swarms come back at the next start. Without it there are none.',
    { fixed: true },
  ),
  snapshot_interval: duration('5m', 'How often a snapshot is written. One more is written at a stop.', {
    fixed: true,
  }),
});

export type MemoryOptions = z.output<typeof memoryOptions>;
