/** Every kind of Redis that the store is tested on, and what a configuration says of it. */

import { startCluster } from '../../support/redis-cluster.ts';
import { startSentinelGroup } from '../../support/redis-sentinel.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';

export interface Topology {
  /** Options of the store. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly masters: readonly RedisServer[];
  stop(): Promise<unknown>;
}

/** As docs/storage/redis.md has it, for keys with this prefix. */
const RULES = '~tracker:* resetchannels -@all +@read +@write +@scripting +@connection +info';

export const topologies: readonly (readonly [title: string, start: () => Promise<Topology>])[] = [
  ['on one server', async () => single(await startRedis())],
  [
    'on one server, with a prefix and a user',
    async () =>
      single(await startRedis({ user: { name: 'chihaya', password: 'p@ss:w/rd', rules: RULES } }), {
        redis_key_prefix: 'tracker:',
      }),
  ],
  ['on a unix socket', async () => single(await startRedis({ listen: 'unix', password: 'secret' }))],
  ['over TLS', tls],
  ['of a Sentinel group', sentinels],
  ['on a cluster', cluster],
];

function single(server: RedisServer, config: Topology['config'] = {}): Topology {
  return { config: { redis_broker: server.url, ...config }, masters: [server], stop: () => server.stop() };
}

async function tls(): Promise<Topology> {
  const server = await startRedis({ listen: 'tls' });
  const { authority } = server;
  return single(server, {
    redis_tls_ca_path: authority?.certificate,
    redis_tls_cert_path: authority?.client.certificate,
    redis_tls_key_path: authority?.client.key,
  });
}

async function sentinels(): Promise<Topology> {
  const group = await startSentinelGroup({ password: 'of the group' });
  const config = {
    redis_broker: 'redis://of%20the%20group@sentinel',
    redis_sentinels: group.sentinels.map(({ address }) => address),
    redis_master: group.name,
  };
  return { config, masters: [group.servers[0] as RedisServer], stop: () => group.stop() };
}

async function cluster(): Promise<Topology> {
  const nodes = await startCluster({ password: 'of the cluster' });
  const config = {
    redis_broker: 'redis://of%20the%20cluster@cluster',
    redis_cluster: nodes.nodes.slice(0, 2).map(({ address }) => address),
  };
  return { config, masters: await nodes.masters(), stop: () => nodes.stop() };
}
