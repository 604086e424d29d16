import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nearest } from '../../src/config/nearest.ts';
import { parse } from '../../src/config/parse.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { secret } from '../../src/pkg/options.ts';
import { components } from './components.ts';

describe('a configuration as an object', () => {
  test('has the keys and defaults of the file', () => {
    const config = parse({ udp: { addr: ':0' }, prehooks: [{ name: 'other' }] }, components);
    expect(config.frontends[0]?.options).toEqual({
      addr: { host: undefined, port: 0 },
      private_key: undefined,
    });
    expect(config.prehooks[0]?.component.name).toBe('other');
    expect(config.shown).toEqual({
      announce_interval: '30m',
      min_announce_interval: '15m',
      metrics_addr: '',
      shutdown_timeout: '10s',
      pprof: true,
      workers: 'auto',
    });
  });

  test.each([undefined, 'auto', 1, 4, 128])('workers: %s', (workers) => {
    expect(parse({ workers }, components).workers).toBe(workers ?? 'auto');
  });

  test.each([1.5, 129, 'many', '2', true, []])('workers: %j is refused', (workers) => {
    const found = JSON.stringify(workers).replace('[]', 'a list');
    expect(() => parse({ workers }, components)).toThrow(
      `workers: expected auto or a whole number from 1 to 128, found ${found}`,
    );
  });

  test.each([0, -1])('workers: %i falls back, with a warning', (workers) => {
    const config = parse({ workers }, components);
    expect(config.workers).toBe('auto');
    expect(config.warnings).toEqual([
      `workers: expected more than zero, found ${workers}: the default auto is used`,
    ]);
  });

  test('is kept as it was given, for another thread', () => {
    const given = { udp: { addr: ':0', private_key: 'secret' }, workers: 2, metrics_addr: null };
    const config = parse(given, components);
    expect(config.given).toEqual({ udp: { addr: ':0', private_key: 'secret' }, workers: 2 });
    expect(parse(config.given, components)).toEqual(config);
  });

  test.each([undefined, null, {}])('%j is every default', (input) => {
    expect(parse(input, components).announceInterval).toBe(1_800_000);
  });

  test('is refused with the errors of the file, without places', () => {
    expect.assertions(2);
    try {
      parse({ htp: {}, udp: { addr: 'x' } }, components);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).problems).toEqual([
        'htp: expected a known key, found "htp"; did you mean "http"?',
        'udp.addr: expected an address such as 0.0.0.0:6969, :6969 or [::1]:6969, found "x"',
      ]);
    }
  });

  test('must be a plain object', () => {
    for (const input of [[], 'x', 3, new Map()]) {
      expect(() => parse(input, components)).toThrow('expected a mapping');
    }
  });
});

describe('nearest', () => {
  const names = ['addr', 'https_addr', 'read_timeout', 'idle_timeout', 'announce_routes'];
  test.each([
    ['adr', 'addr'],
    ['add', 'addr'],
    ['readTimeout', 'read_timeout'],
    ['read-timeout', 'read_timeout'],
    ['READ_TIMEOUT', 'read_timeout'],
    ['raed_timeout', 'read_timeout'],
    ['announce_route', 'announce_routes'],
    ['frobnicate', undefined],
    ['', undefined],
    ['xy', undefined],
  ])('%s → %s', (typed, meant) => expect(nearest(typed, names)).toBe(meant));
});

describe('secrets of a module', () => {
  test('are hidden among the options shown, however deep', () => {
    const options = z.strictObject({
      token: secret(z.string()).optional(),
      api: z.strictObject({ key: secret(z.string()), url: z.string() }),
      users: z.array(z.strictObject({ name: z.string(), password: secret(z.string()) })),
      groups: z.record(z.string(), secret(z.string())),
    });
    const given = {
      token: 'hunter2',
      api: { key: 'hunter2', url: 'https://u:hunter2@h/' },
      users: [{ name: 'n', password: 'hunter2' }],
      groups: { one: 'hunter2' },
    };
    const modules = new Map([['./mine.js', { name: 'mine', summary: '', options }]]);
    const config = parse({ prehooks: [{ name: './mine.js', options: given }] }, { ...components, modules });
    expect(config.prehooks[0]?.shown).toEqual({
      token: '<redacted>',
      api: { key: '<redacted>', url: 'https://<redacted>@h/' },
      users: [{ name: 'n', password: '<redacted>' }],
      groups: { one: '<redacted>' },
    });
  });
});
