/** What runs without a configuration file. */

import type { TrackerOptions } from '../server/create-tracker.ts';

export const builtInConfig: TrackerOptions = {
  metrics_addr: '127.0.0.1:6880',
  http: { addr: ':6969' },
  udp: { addr: ':6969' },
  storage: { name: 'memory' },
};
