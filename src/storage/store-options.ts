/** The options that every store has, to be spread into its schema. */

import type { z } from 'zod';
import { duration } from '../pkg/options.ts';

export const storeOptions = {
  gc_interval: duration('3m', 'How often peers that have not announced for `peer_lifetime` are removed.'),
  peer_lifetime: duration(
    '30m',
    'How long a peer is remembered after its last announce. Keep it a little above `announce_interval`.',
  ),
  prometheus_reporting_interval: duration(
    '1s',
    'How often the numbers of swarms, seeders and leechers are published as metrics.',
  ),
};

/** What they come out as: milliseconds. */
export type StoreOptions = z.output<z.ZodObject<typeof storeOptions>>;
