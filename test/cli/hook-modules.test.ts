/** Hooks of an operator's own: modules in a directory that has nothing to do with the package. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { announceHttp, announceUdp } from '../support/announces.ts';
import { RunningProcess } from '../support/running-process.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { chihaya } from './chihaya.ts';

const linux = process.platform === 'linux';

/** What an announce meets depends on its port. */
const GATE = `
  import { ClientError, defineHook, secret, z } from 'chihaya';
  const refused = new ClientError('unapproved port');
  export default defineHook({
    name: 'gate',
    options: z.strictObject({
      least: z.int().min(1).max(65535),
      token: secret(z.string()).optional(),
    }),
    create({ least }, { logger }) {
      logger.info('made');
      return {
        handleAnnounce(context, request) {
          const { port } = request.peer;
          if (port < least) throw refused;
          if (port === 5001) throw new TypeError('thrown on purpose');
          if (port === 5002) return Promise.reject(new TypeError('rejected on purpose'));
          if (port === 5003) throw undefined;
        },
        handleScrape() {},
      };
    },
  });`;

/** What is in the directory beside the configurations. */
const FILES: Readonly<Record<string, string>> = {
  'hooks/gate.js': GATE,
  'hooks/gate.mjs': GATE,
  'hooks/nothing.js': 'export const hook = 1;',
  'hooks/function.js': 'export default () => {};',
  'hooks/nameless.js':
    "import { z } from 'chihaya'; export default { options: z.strictObject({}), create() {} };",
  'hooks/taken.js':
    "import { defineHook, z } from 'chihaya'; export default defineHook({ name: 'torrent approval', options: z.strictObject({}), create() {} });",
  'hooks/schemaless.js': "export default { name: 'schemaless', options: {}, create() {} };",
  'hooks/inert.js':
    "import { z } from 'chihaya'; export default { name: 'inert', options: z.strictObject({}) };",
  'hooks/syntax.js': 'export default {a:,};',
  'hooks/throws.js': "throw new RangeError('not today');",
  'hooks/imports.js': "import 'not-installed';",
  'common/hook.cjs': "require('chihaya');",
  'hooks/typed.ts': 'const one: number = 1;\nexport default one;',
  'hooks/refine.js':
    "import { z } from 'chihaya'; export default { name: 'refine', options: z.object({}).refine(() => { throw new Error('in the schema') }), create() {} };",
  'hooks/create.js':
    "import { z } from 'chihaya'; export default { name: 'stubborn', options: z.strictObject({}), create() { throw new Error('no such table') } };",
  'hooks/empty.js':
    "import { z } from 'chihaya'; export default { name: 'hollow', options: z.strictObject({}), create: async () => ({ handleAnnounce() {} }) };",
  'node_modules/gate-hook/package.json': JSON.stringify({ exports: { '.': { import: './gate.mjs' } } }),
  'node_modules/gate-hook/gate.mjs': GATE,
  'node_modules/@own/hooks/package.json': JSON.stringify({ exports: { './gate': { import: './gate.mjs' } } }),
  'node_modules/@own/hooks/gate.mjs': GATE,
  // A package of that name is not ours, and its ClientError would be another.
  'hooks/node_modules/chihaya/package.json': JSON.stringify({ type: 'module', exports: './index.js' }),
  'hooks/node_modules/chihaya/index.js': 'export {};',
};

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chihaya-hooks-'));
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
});

afterAll(() => rm(directory, { recursive: true, force: true }));

let configurations = 0;

/** Writes a configuration with one hook beside the modules. */
async function configure(
  hook: string,
  options = '{ least: 1024, token: hush }',
  workers = 1,
): Promise<string> {
  const path = join(directory, `${configurations++}.yaml`);
  await writeFile(
    path,
    `chihaya:
  workers: ${workers}
  http: { addr: "127.0.0.1:0" }
  udp: { addr: "127.0.0.1:0", private_key: a text }
  prehooks:
    - name: ${hook}
      options: ${options}
`,
  );
  return path;
}

describe.each(linux ? [1, 2] : [1])('with workers: %i', (workers) => {
  test.each(['./hooks/gate.js', './hooks/gate.mjs', 'gate-hook', '@own/hooks/gate'])('%s', async (name) => {
    const tracker = await TrackerProcess.run(await configure(JSON.stringify(name), undefined, workers));
    onTestFinished(() => tracker.stop());
    const http = tracker.address('http');
    const udp = tracker.address('udp');
    for (let i = 0; i < 4; i++) {
      expect((await announceHttp(http, { port: 1023 })).failure).toBe('unapproved port');
      expect((await announceUdp(udp, '', { port: 1023 })).failure).toBe('unapproved port');
      expect((await announceHttp(http)).interval).toBe(1800);
      expect((await announceUdp(udp)).interval).toBe(1800);
    }
    expect(tracker.problems()).toEqual([]);
    expect(tracker.process.output).toContain('"component":"gate","msg":"made"');
    expect(tracker.process.output).toContain(
      '"component":"gate","config":{"least":1024,"token":"<redacted>"}',
    );
    expect(tracker.process.output).not.toContain('hush');
  });

  test.each([
    [5001, 'thrown on purpose'],
    [5002, 'rejected on purpose'],
    [5003, undefined],
  ])('what fails at run time costs that request only: port %i', async (port, reason) => {
    const tracker = await TrackerProcess.run(await configure('./hooks/gate.js', undefined, workers));
    onTestFinished(() => tracker.stop());
    const http = tracker.address('http');
    const udp = tracker.address('udp');
    expect(await announceHttp(http, { port })).toEqual({
      failure: 'internal server error',
      interval: undefined,
    });
    expect(await announceUdp(udp, '', { port })).toEqual({
      failure: 'internal server error',
      interval: undefined,
    });
    expect((await announceHttp(http)).interval).toBe(1800);
    expect((await announceUdp(udp)).interval).toBe(1800);
    // Clients do not wait for what a worker has logged.
    await expect.poll(() => tracker.problems().length).toBe(2);
    const problems = tracker.problems();
    expect(problems.map(({ msg }) => msg).toSorted()).toEqual([
      'HTTP announce failed',
      'UDP announce failed',
    ]);
    for (const { err } of problems) {
      expect(err).toMatchObject({ hook: 'gate', message: expect.stringContaining('hook "gate" failed') });
      if (reason) expect(JSON.stringify(err)).toContain(reason);
    }
  });
});

test('an absolute path', async () => {
  const tracker = await TrackerProcess.run(await configure(join(directory, 'hooks/gate.js')));
  onTestFinished(() => tracker.stop());
  expect((await announceHttp(tracker.address('http'), { port: 1 })).failure).toBe('unapproved port');
});

const HOOK = 'a module whose default export is defineHook({ name, options, create })';
const BUILT_IN = 'prehooks[0].name: expected one of "client approval", ';

describe('stops the start, by name, at its place in the file:', () => {
  test.each([
    ['./hooks/none.js', /prehooks\[0\]\.name: expected a module at \/.*\/hooks\/none\.js, found nothing/],
    ['./hooks', /prehooks\[0\]\.name: expected a module at \/.*\/hooks, found nothing/],
    [
      'hooks/gate.js',
      `prehooks[0].name: expected ${HOOK}, found "hooks/gate.js": is "./hooks/gate.js" meant?`,
    ],
    ['not-installed-either', BUILT_IN],
    [
      'torent approval',
      'or a module such as "./my-hook.js", found "torent approval"; did you mean "torrent approval"?',
    ],
    ['./hooks/nothing.js', `the module "./hooks/nothing.js": expected ${HOOK}, found no default export`],
    [
      './hooks/function.js',
      `the module "./hooks/function.js": expected ${HOOK}, found one that is a function`,
    ],
    ['./hooks/nameless.js', 'the module "./hooks/nameless.js": name: expected text, found nothing'],
    [
      './hooks/taken.js',
      'the module "./hooks/taken.js": expected a name that no other hook has, found "torrent approval"',
    ],
    [
      './hooks/schemaless.js',
      'the module "./hooks/schemaless.js": options: expected a schema, such as z.strictObject({}) with the z of chihaya, found a mapping',
    ],
    ['./hooks/inert.js', 'the module "./hooks/inert.js": create: expected a function, found nothing'],
    [
      './hooks/syntax.js',
      `the module "./hooks/syntax.js" cannot be loaded: Unexpected token ','; "node --check" on the file shows where`,
    ],
    ['./hooks/throws.js', 'the module "./hooks/throws.js" cannot be loaded: RangeError: not today'],
    [
      './hooks/imports.js',
      `the module "./hooks/imports.js" cannot be loaded: Error: Cannot find package 'not-installed' imported from`,
    ],
    [
      './common/hook.cjs',
      /the module "\.\/common\/hook\.cjs" cannot be loaded: Cannot find module '.*': hooks are ES modules, use import instead of require$/,
    ],
  ])('%s', async (name, message) => {
    const path = await configure(JSON.stringify(name), '{}');
    const { code, stderr } = await chihaya(['--json', '--config', path]);
    const errors = stderr
      .split('\n')
      .flatMap((line) => (line.includes('"level":"error"') ? [JSON.parse(line).msg] : []));
    expect(errors).toEqual([
      expect.stringContaining(`${path}:6:13: prehooks[0].name: `),
      'the tracker did not start: 1 mistake in the configuration',
    ]);
    if (typeof message === 'string') expect(errors[0]).toContain(message);
    else expect(errors[0]).toMatch(message);
    expect(code).toBe(1);
  });

  test.skipIf('typescript' in process.features)(
    'a module in TypeScript, where Node cannot read it',
    async () => {
      const { stderr } = await chihaya(['--config', await configure('./hooks/typed.ts', '{}')]);
      expect(stderr).toContain(
        `the module "./hooks/typed.ts" cannot be loaded: Node ${process.versions.node} does not read TypeScript: compile it to JavaScript, or run Node 22.18 or newer`,
      );
    },
  );

  test('options that its schema refuses, all at once', async () => {
    const path = await configure('./hooks/gate.js', '{ least: 0, token: 1, other: true }');
    const { stderr } = await chihaya(['--config', path]);
    expect(stderr).toContain(`${path}:7:25: prehooks[0].options.least: expected at least 1, found 0`);
    expect(stderr).toContain(
      `${path}:7:35: prehooks[0].options.token: expected text, found another value (not shown: it is secret)`,
    );
    expect(stderr).toContain(
      `${path}:7:38: prehooks[0].options.other: expected one of "least", "token", found "other"`,
    );
    expect(stderr).toContain('3 mistakes in the configuration');
  });

  test('a schema that throws', async () => {
    const path = await configure('./hooks/refine.js', '{}');
    const { stderr } = await chihaya(['--config', path]);
    expect(stderr).toContain(
      `${path}:7:16: prehooks[0].options: the options of "refine" cannot be checked: in the schema`,
    );
  });

  test.each([
    ['./hooks/create.js', 'the tracker did not start: stubborn: no such table'],
    [
      './hooks/empty.js',
      'the tracker did not start: hollow: create: expected an object with handleAnnounce and handleScrape, found no handleScrape',
    ],
  ])('what cannot be made: %s', async (name, message) => {
    const { code, stderr } = await chihaya(['--config', await configure(name, '{}')]);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
});

test('a program that embeds the tracker names modules, too, relative to what it likes', async () => {
  const entry = join(import.meta.dirname, '../../build/index.js');
  const script = `
    import { createTracker } from ${JSON.stringify(entry)};
    const prehooks = [{ name: './gate.js', options: { least: 1024 } }];
    const tracker = await createTracker({ http: { addr: '127.0.0.1:0' }, prehooks }, { directory: 'hooks' });
    const { port } = tracker.addresses[0];
    console.log('serves http://127.0.0.1:' + port + '/announce');
    process.once('SIGTERM', () => tracker.stop());`;
  const args = ['--input-type=module', '-e', script];
  const program = new RunningProcess({ file: process.execPath, args, cwd: directory });
  onTestFinished(() => program.stop());
  const [, url = ''] = await program.waitFor(/serves (\S+)/, 20_000);
  expect((await announceHttp(url, { port: 80 })).failure).toBe('unapproved port');
  expect((await announceHttp(url)).interval).toBe(1800);
});
