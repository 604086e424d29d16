/** `chihaya check`: what it finds, and that it leaves a running tracker alone. */

import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { chihaya } from './chihaya.ts';
import { ConfigDirectory } from './config-directory.ts';

let files: ConfigDirectory;
beforeAll(async () => {
  files = await ConfigDirectory.make();
});
afterAll(() => files.remove());

const check = (path: string) => chihaya(['check', '--config', path]);

describe('what would start', () => {
  test('is summed up', async () => {
    const path = await files.configure('good.yaml', {
      http: { addr: 'localhost:0' },
      udp: { addr: ':0' },
      metrics_addr: '[::1]:6880',
      workers: 1,
      prehooks: [{ name: 'torrent approval' }, { name: 'external ip' }],
    });
    expect(await check(path)).toEqual({
      code: 0,
      stdout: `ok: ${path}
  addresses http.addr localhost:0, udp.addr :0, metrics_addr [::1]:6880
  workers   1
  storage   memory
  prehooks  torrent approval, external ip
  posthooks none
`,
      stderr: '',
    });
  });

  test('--config may stand before the command', async () => {
    const path = await files.configure('before.yaml', { udp: { addr: ':0' } });
    expect(await chihaya(['--config', path, 'check'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`ok: ${path}\n`),
    });
  });

  test('warnings are told', async () => {
    const path = await files.configure('warned.yaml', { udp: { addr: ':0' }, announce_interval: '0s' });
    const { code, stderr } = await check(path);
    const problem = 'announce_interval: expected more than zero, found 0s: the default 30m is used';
    expect(stderr).toBe(`warning: ${path}:1:53: ${problem}\n`);
    expect(code).toBe(0);
  });

  test('binds nothing: the tracker that runs with it goes on', async () => {
    const tracker = await TrackerProcess.start({
      http: { addr: '127.0.0.1:0' },
      udp: { addr: '127.0.0.1:0' },
      metrics_addr: '127.0.0.1:0',
    });
    onTestFinished(() => tracker.stop());
    const [http = '', udp = ''] = tracker.addresses.map((address) => new URL(address).host);
    const path = await files.configure('running.yaml', {
      http: { addr: http },
      udp: { addr: udp },
      metrics_addr: new URL(tracker.metrics ?? '').host,
    });
    expect(await check(path)).toMatchObject({ code: 0, stderr: '' });
    // The same by a start.
    expect((await chihaya(['--config', path])).stderr).toContain('EADDRINUSE');
  });

  test('a hook is opened and stopped, and one that leaves a timer keeps nothing waiting', async () => {
    await files.write(
      'hooks/timer.mjs',
      `export default {
        name: 'timer',
        options: { def: {}, safeParse: () => ({ success: true, data: {} }) },
        share() {
          setInterval(() => {}, 1_000);
          console.log('shared');
          return { value: 7, stop: () => console.log('source stopped') };
        },
        create(_options, { shared }) {
          console.log('created with', shared.value);
          return { handleAnnounce() {}, handleScrape() {}, stop: () => console.log('stopped') };
        },
      };`,
    );
    const path = await files.configure('timer.yaml', { prehooks: [{ name: './hooks/timer.mjs' }] });
    const { code, stdout, stderr } = await check(path);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^shared\ncreated with 7\nstopped\nsource stopped\nok: /);
    expect(code).toBe(0);
  });

  test('the keys of jwt are fetched', async () => {
    const server = createServer((_request, response) => response.end('{"keys":[]}'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const jwk_set_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const options = { issuer: 'i', audience: 'a', jwk_set_url };
    const path = await files.configure('jwt.yaml', { prehooks: [{ name: 'jwt', options }] });
    expect(await check(path)).toMatchObject({
      code: 0,
      stderr: 'warning: jwt: the key set has no key that can be used: all tokens are refused\n',
    });
  });
});

describe('what would not start', () => {
  test('every mistake in the file', async () => {
    const path = await files.write('wrong.yaml', 'chihaya:\n  udp: { adr: ":1" }\n  workers: many\n');
    const { code, stdout, stderr } = await check(path);
    expect(stderr.split('\n')).toEqual([
      `error: ${path}:3:12: workers: expected auto or a whole number from 1 to 128, found "many"`,
      `error: ${path}:2:10: udp.adr: expected a known key, found "adr"; did you mean "addr"?`,
      '',
    ]);
    expect([code, stdout]).toEqual([1, '']);
  });

  test('no file', async () => {
    const { code, stderr } = await check('/no/such.yaml');
    expect(stderr).toMatch(/^error: \/no\/such\.yaml: the configuration cannot be read: ENOENT.*\n$/);
    expect(code).toBe(1);
  });

  test('a certificate and a key that do not belong together', async () => {
    const [one, other] = await Promise.all(
      ['one', 'other'].map(async (name) => {
        const directory = join(files.path, name);
        await mkdir(directory);
        return makeCertificate(directory, ['127.0.0.1']);
      }),
    );
    const http = { https_addr: ':0', tls_cert_path: one?.certificate, tls_key_path: other?.key };
    const { code, stderr } = await check(await files.configure('tls.yaml', { http }));
    expect(stderr).toContain('http.tls_key_path: expected a PEM key that belongs to');
    expect(code).toBe(1);
  });

  test('names that are not known and hooks that cannot be opened, all at once', async () => {
    await files.write(
      'hooks/lists.mjs',
      `import { readFileSync } from 'node:fs';
      export default {
        name: 'lists',
        options: { def: {}, safeParse: () => ({ success: true, data: {} }) },
        create() {
          readFileSync('/no/such.list');
        },
      };`,
    );
    const options = { issuer: 'i', audience: 'a', jwk_set_url: 'http://127.0.0.1:1/keys' };
    const path = await files.configure('many.yaml', {
      http: { addr: 'no-such-host.invalid:6969' },
      metrics_addr: 'neither.invalid:1',
      prehooks: [{ name: 'jwt', options }, { name: './hooks/lists.mjs' }],
    });
    const { code, stdout, stderr } = await check(path);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^error: http\.addr: cannot listen on no-such-host\.invalid:6969: ./),
      expect.stringMatching(/^error: metrics_addr: cannot listen on neither\.invalid:1: ./),
      'error: jwt: the keys cannot be fetched from http://127.0.0.1:1/keys: connect ECONNREFUSED 127.0.0.1:1',
      "error: lists: ENOENT: no such file or directory, open '/no/such.list'",
    ]);
    expect([code, stdout]).toEqual([1, '']);
  });
});
