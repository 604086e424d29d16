/** The Redis store as a driver. */

import { defineStorageDriver } from '../driver.ts';
import { redisOptions } from './config.ts';

export const redisDriver = defineStorageDriver({
  name: 'redis',
  summary: 'Keeps all peers in Redis, where any number of trackers share them.',
  options: redisOptions,
  async open(options, dependencies) {
    const { openRedis } = await import('./open.ts');
    return openRedis(options, dependencies);
  },
});
