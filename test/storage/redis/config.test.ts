/** The options of the Redis store: forms of addresses, combinations, and that no password is shown. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseText } from '../../../src/config/load.ts';
import { builtIn } from '../../../src/server/built-in.ts';
import { parseBroker } from '../../../src/storage/redis/broker.ts';
import { redisDriver } from '../../../src/storage/redis/driver.ts';
import { openStore } from './open-store.ts';

const at = (host: string, port: number) => ({ host, port });
const nobody = { username: undefined, password: undefined };

describe('redis_broker', () => {
  it.each([
    ['redis://@127.0.0.1:6379/0', { ...nobody, address: at('127.0.0.1', 6379), database: 0, tls: false }],
    ['redis://redis', { ...nobody, address: at('redis', 6379), database: 0, tls: false }],
    ['redis://[::1]:7000/3', { ...nobody, address: at('::1', 7000), database: 3, tls: false }],
    [
      'redis://secret@host:1/',
      { username: undefined, password: 'secret', address: at('host', 1), database: 0, tls: false },
    ],
    [
      'rediss://me:p%40ss%3A@host',
      { username: 'me', password: 'p@ss:', address: at('host', 6379), database: 0, tls: true },
    ],
    [
      'redis://:a/b@c@host',
      { username: undefined, password: 'a/b@c', address: at('host', 6379), database: 0, tls: false },
    ],
    ['unix:///run/redis.sock', { ...nobody, address: { path: '/run/redis.sock' }, database: 0, tls: false }],
    [
      'unix://me:secret@/run/redis.sock?db=2',
      { username: 'me', password: 'secret', address: { path: '/run/redis.sock' }, database: 2, tls: false },
    ],
  ])('understands %s', (url, broker) => {
    expect(parseBroker(url)).toEqual(broker);
  });

  it.each([
    '',
    'redis',
    'redis://',
    'redis://host:0',
    'redis://host:65536',
    'redis://host:port',
    'redis://host/one',
    'redis://host/1/2',
    'redis://ho st',
    'redis://%zz@host',
    'http://host',
    'unix://run/redis.sock',
    'unix:///run/redis.sock?database=1',
  ])('refuses %j', (url) => {
    expect(parseBroker(url)).toBeUndefined();
  });
});

describe('the options of the Redis store', () => {
  function problems(config: object): readonly string[] {
    const text = JSON.stringify({ chihaya: { storage: { name: 'redis', config } } });
    try {
      parseText(text, 'file', builtIn);
      return [];
    } catch (error) {
      return (error as { problems: readonly string[] }).problems.map((line) =>
        line.replace(/^file:\d+:\d+: /, ''),
      );
    }
  }

  it('have the defaults of the original', () => {
    expect(redisDriver.options.parse({})).toEqual({
      gc_interval: 180_000,
      peer_lifetime: 1_800_000,
      prometheus_reporting_interval: 1000,
      redis_broker: 'redis://@127.0.0.1:6379/0',
      redis_read_timeout: 15_000,
      redis_write_timeout: 15_000,
      redis_connect_timeout: 15_000,
      redis_sentinels: [],
      redis_master: undefined,
      redis_cluster: [],
      redis_tls_ca_path: undefined,
      redis_tls_cert_path: undefined,
      redis_tls_key_path: undefined,
      redis_key_prefix: undefined,
      local_cache: 0,
    });
    expect(redisDriver.options.parse({ local_cache: '2s' }).local_cache).toBe(2000);
  });

  it.each([
    [{ redis_broker: 'redis//:very-secret@host' }, ['expected a URL such as redis://host:6379/0']],
    [{ redis_cluster: ['a', 'b:x'] }, ['expected the address of a node such as 10.0.0.1:6379, found "b:x"']],
    [{ redis_sentinels: ['a:1'] }, ['expected a name, as redis_sentinels is set, found nothing']],
    [{ redis_master: 'm' }, ['expected nothing, as redis_sentinels is not set, found "m"']],
    [
      { redis_sentinels: ['a'], redis_master: 'm', redis_cluster: ['b'] },
      ['expected either redis_sentinels or this, found both'],
    ],
    [
      { redis_broker: 'redis://very-secret@host/1', redis_cluster: ['b'] },
      ['expected database 0, the only one of a cluster, found "database 1"'],
    ],
    [
      { redis_tls_ca_path: 'ca.pem' },
      ['expected nothing, as redis_broker is not a rediss:// URL, found "ca.pem"'],
    ],
    [
      { redis_broker: 'rediss://host', redis_tls_cert_path: 'c.pem' },
      ['expected redis_tls_cert_path and this, or neither, found one of them'],
    ],
    [
      { redis_key_prefix: 'a{b}' },
      ['expected text without braces, which mean something in a cluster, found "a{b}"'],
    ],
    [{ local_cache: 'long' }, ['expected a duration such as 30m or 500ms, found "long"']],
  ])('say what is wrong with %j', (config, expected) => {
    const found = problems(config);
    expect(found).toHaveLength(expected.length);
    for (const [i, text] of expected.entries()) expect(found[i]).toContain(text);
    expect(found.join()).not.toContain('very-secret');
  });

  it('are shown without passwords', () => {
    const config = {
      redis_broker: 'redis://me:very-secret@host/1',
      redis_sentinels: ['redis://:very-secret@one:26379', 'two'],
      redis_master: 'm',
    };
    const text = JSON.stringify({ chihaya: { storage: { name: 'redis', config } } });
    const { shown } = parseText(text, 'file', builtIn).storage;
    expect(shown.redis_broker).toBe('redis://<redacted>@host/1');
    expect(shown.redis_sentinels).toEqual(['redis://<redacted>@one:26379', 'two']);
    expect(JSON.stringify(shown)).not.toContain('very-secret');
  });

  it('name the file that cannot be read or is no certificate', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'chihaya-redis-config-'));
    const broken = join(directory, 'broken.pem');
    await writeFile(broken, 'nothing');
    const redis_broker = 'rediss://127.0.0.1:1';
    await expect(openStore({ redis_broker, redis_tls_ca_path: join(directory, 'none.pem') })).rejects.toThrow(
      /^redis_tls_ca_path: cannot read .*none\.pem: ENOENT$/,
    );
    await expect(
      openStore({ redis_broker, redis_tls_cert_path: broken, redis_tls_key_path: broken }),
    ).rejects.toThrow(/^expected PEM files in redis_tls_ca_path/);
    await rm(directory, { recursive: true });
  });
});
