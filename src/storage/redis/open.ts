/** Opens the Redis store. Imported by those who have one: it brings the client library along. */

import type { StorageDependencies } from '../driver.ts';
import type { PeerStore } from '../storage.ts';
import { Upkeep } from '../upkeep.ts';
import { CachedStore } from './cached-store.ts';
import { RedisClient } from './client.ts';
import { Collector } from './collector.ts';
import type { RedisOptions } from './config.ts';
import { endpointOf } from './endpoint.ts';
import { Keyspace } from './keys.ts';
import { RedisMetrics } from './metrics.ts';
import { RedisPeerStore } from './peer-store.ts';

export async function openRedis(
  options: RedisOptions,
  dependencies: StorageDependencies,
): Promise<PeerStore> {
  const { logger, clock } = dependencies;
  const endpoint = endpointOf(options);
  const metrics = new RedisMetrics();
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
}
