/** Options of the Redis store (`storage.config`). */

import { z } from 'zod';
import { duration, durationOrOff, expected, text, textList, textWithDefault } from '../../pkg/options.ts';
import { storeOptions } from '../store-options.ts';
import { parseBroker, parseNode, REDIS_PORT, SENTINEL_PORT } from './broker.ts';

const NODE = 'the address of a node such as 10.0.0.1:6379';
const SENTINEL = 'the address of a Sentinel such as 10.0.0.1:26379 or redis://:password@10.0.0.1:26379';

/** What was found is not shown: it may hold a password in a place where nobody looks for one. */
const BROKER =
  'expected a URL such as redis://host:6379/0, redis://user:password@host, rediss://host or unix:///path/to/socket, found something else (not shown: it may hold a password)';

export const redisOptions = z
  .strictObject({
    ...storeOptions,
    redis_broker: textWithDefault(
      'redis://@127.0.0.1:6379/0',
      'Where Redis is, and how to log in: `redis://[password@]host[:port][/db]`, with `user:password@` for a user, with `rediss://` for TLS, or `unix://[user:password@]/path[?db=n]`. With `redis_sentinels` or `redis_cluster` the address in it is not used, but the rest is.',
    ),
    redis_read_timeout: duration(
      '15s',
      'How long the answer to a read is waited for. An announce that must wait longer is told `internal server error`.',
    ),
    redis_write_timeout: duration('15s', 'How long the answer to a write is waited for.'),
    redis_connect_timeout: duration('15s', 'How long a connection may take until it can be used.'),
    redis_sentinels: textList(
      [],
      'Sentinels, as `host:port`, or as URLs if they want a password. They are asked where the master is.',
      (entry) => (parseSentinel(entry) ? undefined : SENTINEL),
    ),
    redis_master: text("The Sentinels' name for the group of servers whose master is wanted."),
    redis_cluster: textList(
      [],
      'Nodes of a Redis Cluster, as `host:port`; one that answers is enough, it names the others. The keys are named otherwise than on one server.',
      (entry) => (parseNode(entry, REDIS_PORT) ? undefined : NODE),
    ),
    redis_tls_ca_path: text(
      'The certificate authorities that the server must have its certificate from, instead of those of the system: a PEM file.',
    ),
    redis_tls_cert_path: text('The certificate that the server is shown: a PEM file.'),
    redis_tls_key_path: text('The key of that certificate: a PEM file.'),
    redis_key_prefix: text(
      'Put before the name of every key. An original Chihaya, which has no such option, does not find keys with a prefix.',
    ),
    local_cache: durationOrOff(
      'How old the copy may be that announces to a busy swarm are answered from; their writes are gathered for up to 100 ms.',
    ),
  })
  .superRefine(
    (options, context) => {
      const issue = (key: string, message: string) =>
        context.addIssue({ code: 'custom', path: [key], message });
      const broker = typeof options.redis_broker === 'string' ? parseBroker(options.redis_broker) : undefined;
      if (typeof options.redis_broker === 'string' && !broker) issue('redis_broker', BROKER);
      const sentinels = isFilled(options.redis_sentinels);
      const cluster = isFilled(options.redis_cluster);
      if (sentinels && cluster) issue('redis_cluster', 'expected either redis_sentinels or this, found both');
      if (sentinels && options.redis_master === undefined)
        issue('redis_master', expected('a name, as redis_sentinels is set', undefined));
      if (!sentinels && typeof options.redis_master === 'string')
        issue('redis_master', expected('nothing, as redis_sentinels is not set', options.redis_master));
      if (typeof options.redis_key_prefix === 'string' && /[{}]/.test(options.redis_key_prefix))
        issue(
          'redis_key_prefix',
          expected('text without braces, which mean something in a cluster', options.redis_key_prefix),
        );
      if (cluster && broker && broker.database !== 0)
        issue(
          'redis_broker',
          expected('database 0, the only one of a cluster', `database ${broker.database}`),
        );
      if (broker && 'path' in broker.address && (sentinels || cluster))
        issue('redis_broker', 'expected redis:// or rediss://, as nodes are listed, found unix://');
      for (const key of ['redis_tls_ca_path', 'redis_tls_cert_path', 'redis_tls_key_path'] as const) {
        if (broker && !broker.tls && typeof options[key] === 'string')
          issue(key, expected('nothing, as redis_broker is not a rediss:// URL', options[key]));
      }
      if ((options.redis_tls_cert_path === undefined) !== (options.redis_tls_key_path === undefined))
        issue('redis_tls_key_path', 'expected redis_tls_cert_path and this, or neither, found one of them');
    },
    // Zod leaves such checks out where anything else is wrong; operators are told of all mistakes at once.
    { when: () => true },
  );

export type RedisOptions = z.output<typeof redisOptions>;

/** A Sentinel's address, and how to log in to it. */
export function parseSentinel(entry: string) {
  return parseBroker(entry.includes('://') ? entry : `redis://${entry}`, SENTINEL_PORT);
}

/** Where another check has failed the value may be anything. */
function isFilled(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}
