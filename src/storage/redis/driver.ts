/** The Redis store as a driver. */

import { defineStorageDriver } from '../driver.ts';
import { Upkeep } from '../upkeep.ts';
import { CachedStore } from './cached-store.ts';
import { Collector } from './collector.ts';
import { redisOptions } from './config.ts';
import { endpointOf } from './endpoint.ts';
import { Keyspace } from './keys.ts';
import { RedisMetrics } from './metrics.ts';
import { RedisPeerStore } from './peer-store.ts';

export const redisDriver = defineStorageDriver({
  name: 'redis',
  summary: 'Keeps all peers in Redis, where any number of trackers share them.',
  options: redisOptions,
  async open(options, dependencies) {
    const { logger, clock } = dependencies;
    const endpoint = endpointOf(options);
    const metrics = new RedisMetrics();
    // The client library is loaded by those who use it.
    const { RedisClient } = await import('./client.ts');
    const timeouts = { readTimeout: options.redis_read_timeout, writeTimeout: options.redis_write_timeout };
    const client = await RedisClient.open({ endpoint, ...timeouts }, metrics, logger);
    const keyspace = new Keyspace(options.redis_key_prefix ?? '', endpoint.cluster !== undefined);
    const collector = new Collector({ client, keyspace, clock, metrics, logger });
    const store = new RedisPeerStore({ client, keyspace, collector, clock });
    metrics.register(dependencies.metrics, () => client.ready);
    if (dependencies.upkeep) {
      const shared = {
        collectGarbage: (cutoff: number) => collector.takeTurn(cutoff, options.gc_interval),
        totals: () => store.totals(),
      };
      store.keepUp(new Upkeep(shared, options, dependencies));
    }
    return options.local_cache === 0 ? store : new CachedStore(store, options.local_cache, logger);
  },
});
