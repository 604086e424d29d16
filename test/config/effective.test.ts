/** The configuration as it is printed: every default, no secret, and it means the same. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { Component } from '../../src/config/component.ts';
import { effectiveConfig } from '../../src/config/effective.ts';
import { parseText } from '../../src/config/load.ts';
import { type Config, parse } from '../../src/config/parse.ts';
import { duration, secret } from '../../src/pkg/options.ts';
import { builtIn } from '../../src/server/built-in.ts';
import { filesUnder } from '../meta/sources.ts';
import { components } from './components.ts';

/** What the parts are opened with. */
function meaning({ announceInterval, minAnnounceInterval, metricsAddr, workers, ...config }: Config) {
  const { frontends, storage, prehooks, posthooks } = config;
  const options = [...frontends, storage, ...prehooks, ...posthooks].map((chosen) => chosen.options);
  return { announceInterval, minAnnounceInterval, metricsAddr, workers, options };
}

test('names every default, of what is configured', () => {
  const given = { udp: { addr: '1.2.3.4:5' }, prehooks: [{ name: 'other' }], announce_interval: '90m' };
  expect(effectiveConfig(parse(given, components))).toEqual({
    announce_interval: '1h30m',
    min_announce_interval: '15m',
    pprof: true,
    shutdown_timeout: '10s',
    metrics_addr: '',
    workers: 'auto',
    udp: { addr: '1.2.3.4:5', private_key: '' },
    storage: { name: 'memory', config: { gc_interval: '3m' } },
    prehooks: [{ name: 'other' }],
    posthooks: [],
  });
});

test('what falls back is shown as what it falls back to', () => {
  const config = parse({ http: { addr: ':1', read_timeout: '0s', max_numwant: -1 } }, components);
  expect(effectiveConfig(config).http).toMatchObject({ read_timeout: '2s', max_numwant: 100 });
});

describe('parses again to the same', () => {
  const files = [
    ...filesUnder('dist', '.yaml').filter(({ text }) => /^chihaya:/m.test(text)),
    ...['minimal.yaml'].map((name) => ({ path: name, text: readFileSync(`test/cli/${name}`, 'utf8') })),
    ...['original_example_config.yaml'].map((name) => ({
      path: name,
      text: readFileSync(`test/config/fixtures/${name}`, 'utf8'),
    })),
    {
      path: 'every hook',
      text: stringify({
        chihaya: {
          metrics_addr: '[::1]:6880',
          http: { addr: 'localhost:1', announce_routes: ['/a/:b', '/announce'], idle_timeout: '1m30s' },
          prehooks: [
            {
              name: 'jwt',
              options: { issuer: 'i: "#', audience: '*a', jwk_set_url: 'http://h/k' },
            },
            { name: 'client approval', options: { whitelist: ['UT0000', '000000'] } },
            {
              name: 'torrent approval',
              options: { blacklist: ['00000000000000000000000000000000000000e1'] },
            },
            { name: 'subnet preference', options: { groups: { 'hall 1/rack 2': ['10.1.2.0/24'] } } },
            {
              name: 'interval variation',
              options: { modify_response_probability: 0.2, max_increase_delta: 60 },
            },
            { name: 'external ip' },
          ],
        },
      }),
    },
  ];

  test.each(files)('$path', ({ path, text }) => {
    const config = parseText(text, path, builtIn);
    const printed = stringify({ chihaya: effectiveConfig(config) });
    const again = parseText(printed, 'printed', builtIn);
    // The placeholder of the example's private key is hidden as a key would be.
    const hidden = JSON.stringify(meaning(config)).replace(
      /"private_key":"[^"]*"/,
      '"private_key":"<redacted>"',
    );
    expect(JSON.parse(JSON.stringify(meaning(again)))).toEqual(JSON.parse(hidden));
    expect(again.warnings).toEqual([]);
  });
});

describe('a hook of an operator’s own', () => {
  const SECRET = 'hunter2hunter2';

  function effectiveOf(options: z.ZodType, given: object): unknown {
    const hook: Component = { name: 'mine', summary: '', options };
    const modules = new Map([['./mine.js', hook]]);
    const config = parse({ prehooks: [{ name: './mine.js', options: given }] }, { ...components, modules });
    return effectiveConfig(config).prehooks;
  }

  test('is named by its path, and shows what was given where its schema makes something else of it', () => {
    const options = z.strictObject({
      codes: z.string().transform((text) => new Set(text.split(' '))),
      ports: z.array(z.string().transform(Number)),
      wait: duration('5s', 'How long.'),
      limit: z.number().optional(),
      since: z.date().default(new Date(0)),
    });
    expect(effectiveOf(options, { codes: 'a b', ports: ['1', '2'] })).toEqual([
      { name: './mine.js', options: { codes: 'a b', ports: ['1', '2'], wait: '5s' } },
    ]);
  });

  test('keeps keys that its schema takes without naming them', () => {
    expect(effectiveOf(z.looseObject({ a: z.number().default(1) }), { b: 2 })).toEqual([
      { name: './mine.js', options: { a: 1, b: 2 } },
    ]);
  });

  test('shows no secret, however deep', () => {
    const options = z.strictObject({
      api: z.strictObject({ key: secret(z.string()), url: z.string() }),
      users: z.array(z.strictObject({ name: z.string(), password: secret(z.string()) })),
    });
    const given = {
      api: { key: SECRET, url: `https://u:${SECRET}@h/` },
      users: [{ name: 'n', password: SECRET }],
    };
    const hidden = {
      api: { key: '<redacted>', url: 'https://<redacted>@h/' },
      users: [{ name: 'n', password: '<redacted>' }],
    };
    expect(effectiveOf(options, given)).toEqual([{ name: './mine.js', options: hidden }]);
  });
});
