/** Swarms to be announced to, written by the store itself. */

import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { systemClock } from '../../src/pkg/clock.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { RedisClient } from '../../src/storage/redis/client.ts';
import { Collector } from '../../src/storage/redis/collector.ts';
import { redisOptions } from '../../src/storage/redis/config.ts';
import { endpointOf } from '../../src/storage/redis/endpoint.ts';
import { Keyspace } from '../../src/storage/redis/keys.ts';
import { RedisMetrics } from '../../src/storage/redis/metrics.ts';
import { entryOf, RedisPeerStore } from '../../src/storage/redis/peer-store.ts';
import { fieldOf } from '../../src/storage/redis/values.ts';
import { Entry, putScript } from '../../src/storage/redis/write-scripts.ts';

/** Peers that Redis is given at once. */
const BATCH = 128;

/** Fills each swarm with `peers` peers, every second one a seeder. Redis knows the scripts afterwards. */
export async function fill(url: string, infohashes: readonly Infohash[], peers: number): Promise<void> {
  const metrics = new RedisMetrics();
  const endpoint = endpointOf(redisOptions.parse({ redis_broker: url }));
  const timeouts = { readTimeout: 60_000, writeTimeout: 60_000 };
  const client = await RedisClient.open({ endpoint, ...timeouts }, metrics, silentLogger);
  const parts = {
    client,
    keyspace: new Keyspace('', false),
    clock: systemClock,
    metrics,
    logger: silentLogger,
  };
  const store = new RedisPeerStore({ ...parts, collector: new Collector(parts) });
  for (const infohash of infohashes) {
    for (let n = 0; n < peers; n += BATCH) {
      const entries = Array.from({ length: Math.min(BATCH, peers - n) }, (_, i) =>
        entryOf((n + i) % 2 === 0 ? Entry.Seeder : Entry.Leecher, peerNumber(n + i)),
      );
      await store.write(putScript, infohash, AddressFamily.IPv4, entries);
    }
  }
  const [first] = infohashes;
  if (first) await store.read(first, AddressFamily.IPv4, fieldOf(peerNumber(0)), false, 1);
  await store.stop();
}

/** Nobody that the generator announces. */
function peerNumber(n: number): Peer {
  const peer = new Peer();
  const bytes = Buffer.alloc(20, '-TR4050-');
  bytes.writeUInt32BE(n, 16);
  peer.setId(bytes, 0);
  peer.setAddress(Uint8Array.of(10, n >> 16, n >> 8, n), 0, 4);
  peer.port = 1 + (n % 65_535);
  return peer;
}

export function infohashNamed(name: string): Infohash {
  const infohash = new Infohash();
  infohash.set(Buffer.from(name, 'latin1'), 0);
  return infohash;
}
