/** `chihaya config`. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { chihaya } from './chihaya.ts';
import { ConfigDirectory } from './config-directory.ts';

let files: ConfigDirectory;
beforeAll(async () => {
  files = await ConfigDirectory.make();
});
afterAll(() => files.remove());

test('prints what is in force, without secrets, and a tracker takes it', async () => {
  const path = await files.configure('own.yaml', {
    udp: { addr: ':0', private_key: 'hunter2hunter2', max_numwant: 0 },
    workers: 2,
  });
  const { code, stdout, stderr } = await chihaya(['config', '--config', path]);
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^warning: .*udp\.max_numwant: expected more than zero, found 0: the default 100 is used\n$/,
  );
  expect(stdout.split('\n')[0]).toBe(`# In force: ${path}, with all defaults. Secrets are hidden.`);
  expect(stdout).not.toContain('hunter2');
  expect(parseDocument(stdout).toJS()).toMatchObject({
    chihaya: {
      announce_interval: '30m',
      workers: 2,
      udp: { addr: ':0', private_key: '<redacted>', max_numwant: 100 },
      storage: { name: 'memory' },
      prehooks: [],
    },
  });
  const printed = await files.write('printed.yaml', stdout);
  expect(await chihaya(['check', '--config', printed])).toMatchObject({ code: 0, stderr: '' });
  const again = await chihaya(['config', '--config', printed]);
  expect(again.stdout.split('\n').slice(1)).toEqual(stdout.split('\n').slice(1));
});

test('prints mistakes as a start would', async () => {
  const path = await files.write('wrong.yaml', 'chihaya:\n  workers: many\n');
  expect(await chihaya(['config', '--config', path])).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: ${path}:2:12: workers: expected auto or a whole number from 1 to 128, found "many"\n`,
  });
});

test('--example prints the example file', async () => {
  expect(await chihaya(['config', '--example'])).toEqual({
    code: 0,
    stdout: readFileSync('dist/example_config.yaml', 'utf8'),
    stderr: '',
  });
});
