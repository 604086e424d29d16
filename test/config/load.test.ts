import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { load, parseText } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { components } from './components.ts';

function read(text: string) {
  return parseText(text, 'c.yaml', components);
}

function problemsOf(text: string): readonly string[] {
  try {
    read(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('expected a ConfigError, found none');
}

describe('what loads', () => {
  test('values arrive as the schemas made them', () => {
    const config = read(`
chihaya:
  announce_interval: 45m
  metrics_addr: "127.0.0.1:6880"
  http:
    addr: "[::1]:7000"
    read_timeout: 1m30s
  storage:
    name: remote
    config: { broker: here }
  prehooks:
    - name: client approval
      options:
        whitelist: [A, B]
    - name: other
`);
    expect(config.announceInterval).toBe(2_700_000);
    expect(config.minAnnounceInterval).toBe(900_000);
    expect(config.metricsAddr).toEqual({ host: '127.0.0.1', port: 6880 });
    expect(config.frontends.map(({ component }) => component.name)).toEqual(['http']);
    expect(config.frontends[0]?.options).toMatchObject({
      addr: { host: '::1', port: 7000 },
      read_timeout: 90_000,
      announce_routes: ['/announce'],
    });
    expect(config.storage.component.name).toBe('remote');
    expect(config.storage.options).toEqual({ broker: 'here' });
    expect(config.prehooks.map(({ component, options }) => [component.name, options])).toEqual([
      ['client approval', { whitelist: ['A', 'B'] }],
      ['other', {}],
    ]);
    expect(config.posthooks).toEqual([]);
    expect(config.warnings).toEqual([]);
  });

  test('a key with nothing under it counts as absent', () => {
    const config = read('chihaya:\n  http:\n  storage:\n    config:\n  prehooks:\n  # - name: nobody\n');
    expect(config.frontends).toEqual([]);
    expect(config.storage.component.name).toBe('memory');
    expect(config.storage.options).toEqual({ gc_interval: 180_000 });
    expect(config.prehooks).toEqual([]);
  });

  test('empty addresses count as none', () => {
    const config = read('chihaya:\n  metrics_addr: ""\n  http:\n    addr: ":1"\n    https_addr: ""\n');
    expect(config.metricsAddr).toBeUndefined();
    expect(config.frontends[0]?.options).toMatchObject({ addr: { port: 1 }, https_addr: undefined });
  });

  test('anchors, aliases and merged mappings', () => {
    const config = read('chihaya:\n  http: &a\n    addr: ":1"\n  udp:\n    <<: *a\n    private_key: k\n');
    expect(config.frontends[1]?.options).toEqual({ addr: { host: undefined, port: 1 }, private_key: 'k' });
  });
});

describe('what does not load', () => {
  test('every mistake at once, each with its place', () => {
    expect(
      problemsOf(`chihaya:
  anounce_interval: 30m
  http:
    adr: ":6969"
    addr: localhost
    read_timeout: soon
    enable_keepalive: "yes"
    announce_routes: /announce
    max_numwant: 1.5
  htpp: {}
  storage:
    name: memroy
  prehooks:
    - name: client aproval
    - options: {}
    - name: client approval
      options:
        whitelist: [good, 7]
        whitlist: []
`),
    ).toEqual([
      'c.yaml:2:3: anounce_interval: expected a known key, found "anounce_interval"; did you mean "announce_interval"?',
      'c.yaml:10:3: htpp: expected a known key, found "htpp"; did you mean "http"?',
      'c.yaml:5:11: http.addr: expected an address such as 0.0.0.0:6969, :6969 or [::1]:6969, found "localhost"',
      'c.yaml:6:19: http.read_timeout: expected a duration such as 30m or 500ms, found "soon"',
      'c.yaml:7:23: http.enable_keepalive: expected true or false, found "yes"',
      'c.yaml:8:22: http.announce_routes: expected a list, found "/announce"',
      'c.yaml:9:18: http.max_numwant: expected a whole number, found 1.5',
      'c.yaml:4:5: http.adr: expected a known key, found "adr"; did you mean "addr"?',
      'c.yaml:12:11: storage.name: expected one of "memory", "remote", found "memroy"; did you mean "memory"?',
      'c.yaml:14:13: prehooks[0].name: expected one of "client approval", "other", or a module such as "./my-hook.js", found "client aproval"; did you mean "client approval"?',
      'c.yaml:15:7: prehooks[1].name: expected text, found nothing',
      'c.yaml:18:27: prehooks[2].options.whitelist[1]: expected text, found 7',
      'c.yaml:19:9: prehooks[2].options.whitlist: expected a known key, found "whitlist"; did you mean "whitelist"?',
    ]);
  });

  test('a key that resembles none is answered with those there are', () => {
    expect(problemsOf('chihaya:\n  udp:\n    frobnicate: 1\n')).toEqual([
      'c.yaml:3:5: udp.frobnicate: expected one of "addr", "private_key", found "frobnicate"',
    ]);
  });

  test('names of components that are not there', () => {
    expect(problemsOf('chihaya:\n  storage: { name: redis }\n  prehooks: [{ name: jwt }]\n')).toEqual([
      'c.yaml:2:20: storage.name: expected one of "memory", "remote", found "redis"',
      'c.yaml:3:22: prehooks[0].name: expected one of "client approval", "other", or a module such as "./my-hook.js", found "jwt"',
    ]);
  });

  test.each(['__proto__', 'constructor', 'toString'])('the key %s is a key like any other', (key) => {
    for (const text of [`chihaya:\n  ${key}: 1\n`, `chihaya:\n  udp:\n    ${key}: {}\n`]) {
      expect(problemsOf(text)).toEqual([expect.stringContaining(`found "${key}"`)]);
    }
    expect(problemsOf(`chihaya:\n  storage: { name: ${key} }\n`)).toEqual([
      `c.yaml:2:20: storage.name: expected one of "memory", "remote", found "${key}"`,
    ]);
  });

  test('a condition between keys is reported at their block', () => {
    expect(problemsOf('chihaya:\n  udp: {}\n  http:\n    max_numwant: 3\n')).toEqual([
      'c.yaml:4:5: http: expected addr or https_addr, found neither',
    ]);
  });

  test('wrong shapes', () => {
    expect(problemsOf('chihaya:\n  http: [1]\n  udp: x\n  storage: 3\n  prehooks: {}\n')).toEqual([
      'c.yaml:2:9: http: expected a mapping, found a list',
      'c.yaml:3:8: udp: expected a mapping, found text',
      'c.yaml:4:12: storage: expected a mapping, found 3',
      'c.yaml:5:13: prehooks: expected a list, found a mapping',
    ]);
    expect(problemsOf('chihaya: 3\n')).toEqual(['c.yaml:1:10: expected a mapping, found 3']);
    expect(problemsOf('chihaya:\n  prehooks:\n    -\n')).toEqual([
      'c.yaml:3:6: prehooks[0]: expected a mapping, found nothing',
    ]);
  });

  test('the top key', () => {
    expect(problemsOf('')).toEqual([
      'c.yaml:1:1: expected a mapping with the one key "chihaya", found nothing',
    ]);
    expect(problemsOf('chihya:\n  http: {}\n')).toEqual([
      'c.yaml:1:1: expected a known key, found "chihya"; did you mean "chihaya"?',
    ]);
    expect(problemsOf('chihaya: {}\nhttp: {}\n')).toEqual([
      'c.yaml:2:1: expected one of "chihaya", found "http"',
    ]);
  });

  test('repeated keys, with the other mistakes', () => {
    expect(problemsOf('chihaya:\n  udp:\n    addr: ":1"\n    addr: ":2"\n    x: 1\n')).toEqual([
      'c.yaml:4:5: expected each key once, found "addr" again',
      'c.yaml:5:5: udp.x: expected one of "addr", "private_key", found "x"',
    ]);
  });

  test('text that is no YAML', () => {
    const problems = problemsOf('chihaya:\n  udp: {\n');
    expect(problems[0]).toMatch(/^c\.yaml:3:1: expected YAML, found a mistake in it: /);
    expect(problemsOf('chihaya: {\n  udp {} }\n')).toEqual([
      'c.yaml:2:7: expected YAML, found a mistake in it: Missing , or : between flow map items',
    ]);
    expect(problemsOf('chihaya:\n  udp:\n   - a\n  b\n')[0]).toMatch(/^c\.yaml:\d+:\d+: expected YAML/);
  });

  test('a tag that is not known', () => {
    expect(problemsOf('chihaya:\n  udp: { private_key: !env KEY }\n')).toEqual([
      'c.yaml:2:23: expected YAML, found a mistake in it: Unresolved tag',
    ]);
  });

  test('whatever it is, only a ConfigError comes of it', () => {
    const word = fc.constantFrom(
      'chihaya',
      'http',
      'udp',
      'addr',
      'storage',
      'name',
      'prehooks',
      '__proto__',
      ':1',
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.integer(),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(word, tie('value'), { maxKeys: 4 }),
      ),
    }));
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'chihaya:\n -{}[]&*!|>\'"#%@,?ab') }),
      value.map((inner) => JSON.stringify({ chihaya: inner })),
    );
    let refused = 0;
    let accepted = 0;
    fc.assert(
      fc.property(text, (input) => {
        try {
          read(input);
          accepted++;
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          const { problems } = error as ConfigError;
          expect(problems.length).toBeGreaterThan(0);
          for (const problem of problems) expect(problem).toMatch(/^c\.yaml(:\d+:\d+)?: /);
          refused++;
        }
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(500);
    expect(accepted).toBeGreaterThan(20);
  });

  test('unknown keys without a value', () => {
    const text = 'chihaya:\n  anounce_interval:\n  udp:\n    private_key:hunter2:\n    adr: ~\n';
    expect(problemsOf(text)).toEqual([
      'c.yaml:2:3: anounce_interval: expected a known key, found "anounce_interval"; did you mean "announce_interval"?',
      'c.yaml:4:5: udp.private_key:…: expected a known key, found "private_key:…"; is a space missing after the colon of "private_key"?',
      'c.yaml:5:5: udp.adr: expected a known key, found "adr"; did you mean "addr"?',
    ]);
  });

  test('numbers in the place of durations', () => {
    expect(problemsOf('chihaya:\n  announce_interval: 30\n')).toEqual([
      'c.yaml:2:22: announce_interval: expected a duration such as 30m or 500ms, found 30',
    ]);
  });

  test('aliases of aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [to, from] of ['ba', 'cb', 'dc', 'ed', 'fe'] as unknown as [string, string][]) {
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
    }
    expect(problemsOf(bomb.join('\n'))).toEqual([
      'c.yaml: expected an anchor for every alias, and few aliases of aliases, found otherwise; text that begins with * needs quotes',
    ]);
  });

  test('a file that is not there', async () => {
    await expect(load('no/such.yaml', async () => components)).rejects.toThrow(
      /^no\/such\.yaml: the configuration cannot be read: ENOENT/,
    );
  });

  test('a duration longer than a timer can wait', () => {
    expect(problemsOf('chihaya:\n  announce_interval: 600h\n')).toEqual([
      'c.yaml:2:22: announce_interval: expected at most 596h (24 days), found "600h"',
    ]);
  });
});

describe('what falls back', () => {
  test('zero and negative numbers and durations, with a warning', () => {
    const config = read(`chihaya:
  announce_interval: 0s
  min_announce_interval: -15m
  http:
    addr: ":1"
    max_numwant: -5
    read_timeout: 0
  storage:
    config:
      gc_interval: 0
`);
    expect(config.announceInterval).toBe(1_800_000);
    expect(config.minAnnounceInterval).toBe(900_000);
    expect(config.frontends[0]?.options).toMatchObject({ max_numwant: 100, read_timeout: 2_000 });
    expect(config.storage.options).toEqual({ gc_interval: 180_000 });
    expect(config.warnings).toEqual([
      'c.yaml:2:22: announce_interval: expected more than zero, found 0s: the default 30m is used',
      'c.yaml:3:26: min_announce_interval: expected more than zero, found -15m: the default 15m is used',
      'c.yaml:7:19: http.read_timeout: expected more than zero, found 0: the default 2s is used',
      'c.yaml:6:18: http.max_numwant: expected more than zero, found -5: the default 100 is used',
      'c.yaml:10:20: storage.config.gc_interval: expected more than zero, found 0: the default 3m is used',
    ]);
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2hunter2';

  test('are hidden among the options shown', () => {
    const config = read(`chihaya:
  udp: { addr: ":1", private_key: ${SECRET} }
  storage: { name: remote, config: { broker: "redis://user:${SECRET}@h/0" } }
`);
    const shown = JSON.stringify([config.frontends, config.storage].flat().map((of) => of.shown));
    expect(shown).not.toContain(SECRET);
    expect(config.frontends[0]?.shown).toEqual({ addr: ':1', private_key: '<redacted>' });
    expect(config.storage.shown).toEqual({ broker: 'redis://<redacted>@h/0' });
  });

  test.each([
    `chihaya:\n  udp: { private_key: [${SECRET}] }\n`,
    `chihaya:\n  udp: [{ private_key: ${SECRET} }]\n`,
    `chihaya:\n  udp: { private_key: { a: ${SECRET} } }\n`,
    `chihaya:\n  udp: { private_key: *${SECRET} }\n`,
    `chihaya:\n  udp: { private_key: "${SECRET} }\n`,
    `chihaya:\n  udp:\n    private_key: a: ${SECRET}\n`,
    `chihaya:\n  metrics_addr: redis://${SECRET}@h\n`,
  ])('stay out of errors: %#', (text) => {
    const problems = problemsOf(text).join('\n');
    expect(problems).toContain('expected');
    expect(problems).not.toContain(SECRET);
  });

  test('a secret of the wrong type is not shown', () => {
    expect(problemsOf('chihaya:\n  udp: { private_key: 12345678 }\n')).toEqual([
      'c.yaml:2:23: udp.private_key: expected text, found another value (not shown: it is secret)',
    ]);
  });
});
