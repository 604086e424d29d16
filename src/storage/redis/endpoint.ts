/** Where Redis is and how it is spoken to: the options, understood. */

import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Broker, type NodeAddress, parseBroker, parseNode, REDIS_PORT } from './broker.ts';
import { parseSentinel, type RedisOptions } from './config.ts';

export interface Endpoint {
  readonly address: Broker['address'];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: SecureContextOptions | undefined;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly sentinels:
    | {
        readonly nodes: readonly NodeAddress[];
        readonly username: string | undefined;
        readonly password: string | undefined;
      }
    | undefined;
  /** The Sentinels' name for it. */
  readonly master: string | undefined;
  readonly cluster: readonly NodeAddress[] | undefined;
}

/** @throws Error that names a file which cannot be read or is not what it should be */
export function endpointOf(options: RedisOptions): Endpoint {
  // All forms have been checked with the configuration.
  const { address, username, password, database, tls } = parseBroker(options.redis_broker) as Broker;
  const sentinels = options.redis_sentinels.map((entry) => parseSentinel(entry) as Broker);
  const nodes = options.redis_cluster.map((entry) => parseNode(entry, REDIS_PORT) as NodeAddress);
  return {
    address,
    username,
    password,
    database,
    tls: tls ? readTls(options) : undefined,
    connectTimeout: options.redis_connect_timeout,
    sentinels:
      sentinels.length === 0
        ? undefined
        : {
            nodes: sentinels.map((sentinel) => sentinel.address as NodeAddress),
            username: sentinels.find((sentinel) => sentinel.username !== undefined)?.username,
            password: sentinels.find((sentinel) => sentinel.password !== undefined)?.password,
          },
    master: options.redis_master,
    cluster: nodes.length === 0 ? undefined : nodes,
  };
}

function readTls(options: RedisOptions): SecureContextOptions {
  const read = (key: 'redis_tls_ca_path' | 'redis_tls_cert_path' | 'redis_tls_key_path') => {
    const path = options[key];
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(`${key}: cannot read ${path}: ${code ?? message}`);
    }
  };
  const ca = read('redis_tls_ca_path');
  const cert = read('redis_tls_cert_path');
  const key = read('redis_tls_key_path');
  const context = {
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw new Error(
      `expected PEM files in redis_tls_ca_path, redis_tls_cert_path and redis_tls_key_path, and a key that belongs to the certificate: ${(error as Error).message}`,
    );
  }
  return context;
}
