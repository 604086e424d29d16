/** What of a configuration takes effect in a tracker that runs. */

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parse } from '../../src/config/parse.ts';
import { applicable } from '../../src/server/applicable.ts';
import { builtIn } from '../../src/server/built-in.ts';
import type { TrackerConfig } from '../../src/server/tracker-parts.ts';
import { defineStorageDriver } from '../../src/storage/driver.ts';

/** A store that cannot be tuned. */
const remote = defineStorageDriver({
  name: 'remote',
  summary: 'For a test.',
  options: z.strictObject({ broker: z.string().default('here'), timeout: z.number().default(1) }),
  open: () => Promise.reject(new Error('never')),
});

const config = (input: object): TrackerConfig =>
  parse(input, { ...builtIn, stores: [...builtIn.stores, remote] });

const STAYS = (option: string, value: unknown) =>
  `${option} cannot change while the tracker runs: ${value} stays until the next start`;

test('what is the same is kept in silence', () => {
  const input = { workers: 2, udp: { addr: ':1', socket: 'dgram' }, storage: { config: { shard_count: 4 } } };
  expect(applicable(config(input), config(input)).kept).toEqual([]);
});

test('what can change changes', () => {
  const wanted = config({
    announce_interval: '1m',
    shutdown_timeout: '1s',
    udp: { addr: ':2', private_key: 'other', max_numwant: 3 },
    http: { addr: ':3' },
    storage: { config: { gc_interval: '1s', max_peers: 7 } },
    prehooks: [{ name: 'client approval', options: { whitelist: ['OP1011'] } }],
  });
  const { config: result, kept } = applicable(config({ udp: { addr: ':1' } }), wanted);
  expect(kept).toEqual([]);
  expect(result).toEqual({ ...wanted, given: expect.anything() });
});

test('workers', () => {
  const { config: result, kept } = applicable(config({ workers: 2 }), config({ workers: 'auto' }));
  expect(kept).toEqual([STAYS('workers', 2)]);
  expect(result.workers).toBe(2);
  expect(result.shown.workers).toBe(2);
});

describe('options of the frontends', () => {
  test('that are fixed stay, the rest changes', () => {
    const { config: result, kept } = applicable(
      config({ udp: { addr: ':1', socket: 'mmsg', receive_buffer: 1000 } }),
      config({ udp: { addr: ':2', socket: 'dgram', receive_buffer: 2000 } }),
    );
    expect(kept).toEqual([STAYS('udp.socket', 'mmsg'), STAYS('udp.receive_buffer', 1000)]);
    expect(result.frontends[0]?.options).toMatchObject({
      addr: { port: 2 },
      socket: 'mmsg',
      receive_buffer: 1000,
    });
    expect(result.frontends[0]?.shown).toMatchObject({ addr: ':2', socket: 'mmsg', receive_buffer: 1000 });
  });

  test('of one that is new are as wanted', () => {
    const { config: result, kept } = applicable(config({}), config({ udp: { addr: ':1', socket: 'dgram' } }));
    expect(kept).toEqual([]);
    expect(result.frontends[0]?.options).toMatchObject({ socket: 'dgram' });
  });
});

describe('the store', () => {
  test('its fixed options stay, for threads that parse them again, too', () => {
    const before = config({ storage: { config: { shard_count: 4, gc_interval: '1m' } } });
    const { config: result, kept } = applicable(
      before,
      config({ storage: { config: { shard_count: 8, gc_interval: '2m' } } }),
    );
    expect(kept).toEqual([STAYS('storage.config.shard_count', 4)]);
    expect(result.storage.options).toMatchObject({ shard_count: 4, gc_interval: 120_000 });
    expect(config(result.given).storage.options).toEqual(result.storage.options);
  });

  test('a fixed option that had its default keeps that', () => {
    const { config: result, kept } = applicable(
      config({}),
      config({ storage: { config: { shard_count: 8 } } }),
    );
    expect(kept).toEqual([STAYS('storage.config.shard_count', 1024)]);
    expect(config(result.given).storage.options).toMatchObject({ shard_count: 1024 });
  });

  test('another one is for the next start, with all its options', () => {
    const before = config({ storage: { name: 'memory', config: { gc_interval: '1m' } } });
    const wanted = config({ announce_interval: '1m', storage: { name: 'remote', config: { timeout: 9 } } });
    const { config: result, kept } = applicable(before, wanted);
    expect(kept).toEqual([STAYS('storage.name', 'memory')]);
    expect(result.storage).toEqual(before.storage);
    expect(result.announceInterval).toBe(60_000);
    expect(config(result.given).storage.component.name).toBe('memory');
  });

  test('one that cannot be tuned keeps all of its options', () => {
    const before = config({ storage: { name: 'remote', config: { timeout: 5 } } });
    const wanted = config({ storage: { name: 'remote', config: { broker: 'there', timeout: 9 } } });
    const { config: result, kept } = applicable(before, wanted);
    expect(kept).toEqual([STAYS('storage.config.broker', 'here'), STAYS('storage.config.timeout', 5)]);
    expect(result.storage).toEqual(before.storage);
    expect(config(result.given).storage.options).toEqual(before.storage.options);
  });
});
