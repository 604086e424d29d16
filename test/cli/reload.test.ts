/** Reloads and stops of the tracker as operators run it, with one thread and with several workers. */

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { halfRequest } from '../support/half-request.ts';
import { RunningProcess } from '../support/running-process.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';
import { PROGRAM } from './chihaya.ts';

const linux = process.platform === 'linux';

const BASE = {
  metrics_addr: '127.0.0.1:0',
  http: { addr: '127.0.0.1:0', enable_keepalive: true },
  udp: { addr: '127.0.0.1:0', private_key: 'a very secret text' },
};

const INFOHASH = Buffer.alloc(20, 'a');
const QUERY = `info_hash=${INFOHASH}&peer_id=-TR4050-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1`;

const REFUSED = { prehooks: [{ name: 'client approval', options: { blacklist: ['TR4050'] } }] };

async function start(
  config: object,
  env: Record<string, string> = {},
  flags: string[] = [],
): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.start(config, undefined, env, flags);
  onTestFinished(() => tracker.stop());
  return tracker;
}

async function metric(tracker: TrackerProcess, line: string): Promise<number> {
  const text = await (await fetch(tracker.metrics as string)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length) ?? NaN,
  );
}

/** One connection that is kept, and which of its requests have used another. */
function keptAlive(tracker: TrackerProcess) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ports = new Set<number | undefined>();
  const ask = (path = `/announce?${QUERY}`) =>
    new Promise<string>((resolve, reject) => {
      request(new URL(path, tracker.address('http')), { agent }, (response) => {
        let text = '';
        ports.add(response.socket.localPort);
        response.setEncoding('latin1').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
  return { ask, ports };
}

async function udpClient(tracker: TrackerProcess): Promise<UdpClient> {
  const client = await UdpClient.open(Number(tracker.address('udp').port));
  onTestFinished(() => client.close());
  return client;
}

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'chihaya-reload-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The fingerprint of the certificate that a new connection is shown. */
function fingerprint(port: number, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Has every thread of the process run `code` first. */
function preload(code: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

describe.each(linux ? [1, 3] : [1])('with %d workers', (workers) => {
  const config = (more: object = {}) => ({ workers, ...BASE, ...more });

  test('each signal reloads once: connections, connection ids, peers and counters stay', async () => {
    const tracker = await start(config());
    const http = keptAlive(tracker);
    const udp = await udpClient(tracker);
    const connectionId = await udp.connect();
    const packet = announcePacket({ connectionId, infohash: Buffer.alloc(20, 'b') });
    expect(await http.ask()).toContain('8:intervali1800e');
    expect((await udp.ask(packet)).readUInt32BE(8)).toBe(1800);

    const ready = tracker.addresses;
    for (const [i, signal] of (['SIGHUP', 'SIGUSR1'] as const).entries()) {
      const line = await tracker.reload(config({ announce_interval: `${i + 1}m` }), signal);
      expect(line).toMatchObject({ msg: 'reloaded', addresses: ready });
      expect(await http.ask()).toContain(`8:intervali${60 * (i + 1)}e`);
      expect((await udp.ask(packet)).readUInt32BE(8)).toBe(60 * (i + 1));
    }
    expect(tracker.process.output).not.toContain('Debugger listening');
    expect(http.ports.size).toBe(1);
    expect(await http.ask(`/scrape?info_hash=${INFOHASH}`)).toContain('10:incompletei1e');
    expect(await metric(tracker, 'chihaya_http_requests_total{scheme="http"}')).toBe(4);
    expect(await metric(tracker, 'chihaya_reloads_total{result="success"}')).toBe(2);
    expect(tracker.reloads()).toHaveLength(2);
    expect(tracker.problems()).toEqual([]);
  });

  test('hooks: what was approved is refused, and approved again', async () => {
    const tracker = await start(config());
    const http = keptAlive(tracker);
    for (let i = 0; i < 3; i++) {
      await tracker.reload(config(REFUSED));
      expect(await http.ask()).toBe('d14:failure reason17:unapproved cliente');
      await tracker.reload(config());
      expect(await http.ask()).toContain('8:interval');
    }
    expect(http.ports.size).toBe(1);
  });

  test('certificates: new connections are shown the new one', async () => {
    const directory = temporaryDirectory();
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    const https = { https_addr: '127.0.0.1:0', tls_cert_path: certificate, tls_key_path: key };
    const tracker = await start({ workers, http: https });
    const port = Number(tracker.address('https').port);
    const before = readFileSync(certificate);
    const first = await fingerprint(port, before);

    makeCertificate(directory, ['127.0.0.1']);
    expect(await fingerprint(port, before)).toBe(first);
    await tracker.reload();
    // So many that each worker has some.
    const shown = Array.from({ length: 20 }, () => fingerprint(port, readFileSync(certificate)));
    const fingerprints = new Set(await Promise.all(shown));
    expect(fingerprints.size).toBe(1);
    expect(fingerprints).not.toContain(first);

    // One that does not belong to its key: everything stays.
    writeFileSync(certificate, before);
    expect((await tracker.reload()).msg).toContain('1 mistake in the configuration');
    expect(tracker.process.output).toContain('expected a PEM key that belongs to');
    makeCertificate(directory, ['127.0.0.1']);
    const latest = readFileSync(certificate);
    expect((await tracker.reload()).msg).toBe('reloaded');
    expect(fingerprints).not.toContain(await fingerprint(port, latest));
  });

  test('addresses: others are bound, and those that are kept are kept', async () => {
    const tracker = await start(config());
    const http = keptAlive(tracker);
    await http.ask();
    const [, udp] = tracker.addresses;
    const line = await tracker.reload(config({ http: { addr: '127.0.0.2:0' } }));
    expect(line.addresses[0]).toMatch(/^http:\/\/127\.0\.0\.2:/);
    expect(line.addresses[1]).toBe(udp);
    expect((await fetch(`${line.addresses[0]}/scrape?info_hash=${INFOHASH}`)).status).toBe(200);
    // It is let go when those are served who have come before.
    const outcome = () =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(tracker.address('http').port), '127.0.0.1', () => {
          socket.destroy();
          resolve('connected');
        }).on('error', (error) => resolve(error.message));
      });
    await expect.poll(outcome).toContain('ECONNREFUSED');
  });

  test('a broken file changes nothing, and all its mistakes are told', async () => {
    const tracker = await start(config());
    const { ask } = keptAlive(tracker);
    const line = await tracker.reload(config({ announce_interval: 'soon', htp: {}, ...REFUSED }));
    expect(line.msg).toBe(
      'the configuration was not reloaded, and the one before stays: 2 mistakes in the configuration',
    );
    expect(tracker.problems().map(({ msg }) => msg)).toEqual([
      expect.stringContaining('announce_interval: expected a duration such as 30m or 500ms, found "soon"'),
      expect.stringContaining('htp: expected a known key, found "htp"; did you mean "http"?'),
      line.msg,
    ]);
    expect((await tracker.reload('chihaya: [')).msg).toContain('1 mistake');
    rmSync(tracker.path);
    expect((await tracker.reload()).msg).toContain('1 mistake');
    expect(tracker.process.output).toContain('the configuration cannot be read: ENOENT');
    expect(await ask()).toContain('8:intervali1800e');
    expect(await metric(tracker, 'chihaya_reloads_total{result="failure"}')).toBe(3);
  });

  test.each(['http', 'udp'] as const)('a port that is taken (%s) changes nothing', async (protocol) => {
    const other = await start({ workers: 1, [protocol]: { addr: '127.0.0.1:0' } });
    const tracker = await start(config());
    const { ask } = keptAlive(tracker);
    await ask();
    const descriptors = tracker.openDescriptors;
    // The other frontend's address is free: it was bound, and has to be let go again.
    const free = protocol === 'http' ? 'udp' : 'http';
    const line = await tracker.reload(
      config({
        ...REFUSED,
        [free]: { ...BASE[free], addr: '127.0.0.2:0' },
        [protocol]: { ...BASE[protocol], addr: other.address(protocol).host },
      }),
    );
    expect(line.msg).toContain(`stays: ${protocol}: cannot`);
    expect(await ask()).toContain('8:interval');
    await expect.poll(() => tracker.openDescriptors).toBeLessThanOrEqual(descriptors);
  });

  test('a hook that cannot be opened, in one thread, changes nothing', async () => {
    const path = join(temporaryDirectory(), 'hook.mjs');
    // The last of the threads that serve, or the only one.
    writeFileSync(
      path,
      `import { workerData } from 'node:worker_threads';
       import { defineHook, z } from 'chihaya';
       export default defineHook({
         name: 'from time to time',
         options: z.strictObject({ fails: z.boolean() }),
         create({ fails }) {
           if (fails && (workerData?.number ?? 1) === ${workers}) throw new Error('no keys');
           return { handleAnnounce() {}, handleScrape() {} };
         },
       });`,
    );
    const hook = (fails: boolean) => ({ prehooks: [{ name: path, options: { fails } }] });
    const tracker = await start(config(hook(false)));
    const { ask } = keptAlive(tracker);
    await ask();
    const line = await tracker.reload(config({ ...hook(true), announce_interval: '1m' }));
    expect(line.msg).toBe(
      'the configuration was not reloaded, and the one before stays: from time to time: no keys',
    );
    for (let i = 0; i < 20; i++) {
      const answer = await fetch(`${tracker.address('http').href}announce?${QUERY}`);
      expect(await answer.text()).toContain('8:intervali1800e');
    }
    expect((await tracker.reload(config({ ...hook(false), announce_interval: '1m' }))).msg).toBe('reloaded');
    expect(await ask()).toContain('8:intervali60e');
    expect(tracker.problems()).toHaveLength(1);
  });

  test('options that cannot change are told by name, and the rest takes effect', async () => {
    const tracker = await start(config());
    const { ask } = keptAlive(tracker);
    await tracker.reload(
      config({
        workers: workers + 1,
        announce_interval: '1m',
        udp: { ...BASE.udp, socket: 'dgram' },
        storage: { config: { shard_count: 8 } },
      }),
    );
    const stays = (option: string, value: unknown) =>
      `${option} cannot change while the tracker runs: ${value} stays until the next start`;
    expect(tracker.problems().map(({ msg }) => msg)).toEqual([
      stays('workers', workers),
      stays('udp.socket', 'auto'),
      stays('storage.config.shard_count', 1024),
    ]);
    expect(await ask()).toContain('8:intervali60e');
    expect(await metric(tracker, 'chihaya_workers')).toBe(workers);
  });

  test('many signals at once are two reloads, the last of which has the file as it is', async () => {
    const tracker = await start(config());
    const { ask } = keptAlive(tracker);
    // By rename: a reload that is under way may read the file at any time.
    const replace = (announce_interval: string) => {
      const text = JSON.stringify({ chihaya: config({ announce_interval }) });
      writeFileSync(`${tracker.path}.new`, text);
      renameSync(`${tracker.path}.new`, tracker.path);
    };
    replace('1m');
    process.kill(tracker.process.pid, 'SIGHUP');
    await tracker.process.waitFor(/"msg":"reloading"/, 20_000);
    replace('2m');
    process.kill(tracker.process.pid, 'SIGHUP');
    process.kill(tracker.process.pid, 'SIGUSR1');
    await tracker.process.waitFor(/("msg":"reloading"[\s\S]*){3}/, 20_000);
    await expect.poll(ask).toContain('8:intervali120e');
    // Another one is done, too; and however long one waits, there is none that nobody has asked for.
    replace('3m');
    process.kill(tracker.process.pid, 'SIGHUP');
    await expect.poll(ask).toContain('8:intervali180e');
    for (let i = 0; i < 100; i++) expect(await ask()).toContain('8:intervali180e');
    expect(tracker.reloads().length).toBeLessThanOrEqual(4);
    expect(tracker.problems()).toEqual([]);
  });

  test('ten reloads leave no descriptor behind', async () => {
    const tracker = await start(config());
    const { ask } = keptAlive(tracker);
    await tracker.reload(config({ udp: { ...BASE.udp, addr: '127.0.0.2:0' } }));
    await tracker.reload(config());
    await ask();
    const before = tracker.openDescriptors;
    for (let i = 0; i < 5; i++) {
      await tracker.reload(config({ ...REFUSED, udp: { ...BASE.udp, addr: '127.0.0.2:0' } }));
      await tracker.reload(config({ http: { ...BASE.http, read_timeout: `${i + 1}s` } }));
    }
    await expect.poll(() => tracker.openDescriptors).toBeLessThanOrEqual(before);
    expect(await metric(tracker, 'chihaya_reloads_total{result="success"}')).toBe(12);
  });

  test('--watch: a file that is written anew, and then one that takes its place', async () => {
    const tracker = await start(config(), {}, ['--watch']);
    const { ask } = keptAlive(tracker);
    await tracker.configure(config({ announce_interval: '1m' }));
    await expect.poll(ask).toContain('8:intervali60e');
    const { path } = tracker;
    writeFileSync(`${path}.new`, JSON.stringify({ chihaya: config({ announce_interval: '2m' }) }));
    renameSync(`${path}.new`, path);
    await expect.poll(ask).toContain('8:intervali120e');
    // Told when every worker has gone over.
    await expect.poll(() => tracker.reloads().length).toBe(2);
  });

  test('a stop cuts off what takes longer than shutdown_timeout, and ends with 0', async () => {
    const tracker = await start({
      workers,
      shutdown_timeout: '200ms',
      http: { addr: '127.0.0.1:0', read_timeout: '60s', enable_keepalive: true },
    });
    const socket = await halfRequest(Number(tracker.address('http').port));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await tracker.process.stop('SIGTERM', 20_000);
    await closed;
    expect(tracker.process.exitCode).toBe(0);
    expect(tracker.process.output).toContain('did not end within shutdown_timeout: cut off');
    expect(tracker.process.output).toMatch(/"msg":"stopped"/);
  });
});

describe.skipIf(!linux)('with several workers, all go over or none', () => {
  test('one that refuses keeps the others where they are', async () => {
    const directory = temporaryDirectory();
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    // The supervisor reads the certificate, and so do two of the workers.
    const code = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      import { isMainThread, workerData } from 'node:worker_threads';
      if (!isMainThread && workerData.number === 2) {
        const read = fs.readFileSync;
        let reads = 0;
        // Once when the options are checked, once when the listener is made ready.
        fs.readFileSync = (path, ...more) => {
          if (path === ${JSON.stringify(key)} && ++reads === 2) throw new Error('a bad sector');
          return read(path, ...more);
        };
        syncBuiltinESMExports();
      }`;
    const tracker = await start({ workers: 3, ...BASE }, preload(code));
    const { ask } = keptAlive(tracker);
    await ask();
    const descriptors = tracker.openDescriptors;
    const https = { https_addr: '127.0.0.1:0', tls_cert_path: certificate, tls_key_path: key };
    const next = { workers: 3, ...BASE, ...REFUSED, http: { ...BASE.http, ...https } };
    const line = await tracker.reload(next);
    expect(line.msg).toContain('stays: http: cannot read the key');
    for (let i = 0; i < 10; i++) {
      expect(await (await fetch(`${tracker.address('http').href}announce?${QUERY}`)).text()).toContain(
        '8:interval',
      );
    }
    await expect.poll(() => tracker.openDescriptors).toBeLessThanOrEqual(descriptors + 3);
    // What was wrong is wrong no more.
    expect((await tracker.reload()).msg).toBe('reloaded');
    expect(await ask()).toContain('unapproved client');
    expect(tracker.problems()).toHaveLength(1);
  });

  test('one that dies meanwhile is replaced by one with the configuration in force', async () => {
    const code = `
      import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';
      const channel = new BroadcastChannel('test');
      channel.unref();
      if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('fail'));
      else if (workerData.number === 2) channel.onmessage = () => process.exit(7);`;
    // Connections are not kept: those of the dead would be used again.
    const config = { workers: 3, ...BASE, http: { addr: '127.0.0.1:0' } };
    const tracker = await start(config, preload(code));
    const restarts = () => metric(tracker, 'chihaya_worker_restarts_total');
    for (let i = 1; i <= 4; i++) {
      await tracker.configure({ ...config, announce_interval: `${i}m` });
      const before = await restarts();
      process.kill(tracker.process.pid, 'SIGUSR2');
      expect((await tracker.reload()).msg).toBe('reloaded');
      await expect.poll(restarts).toBeGreaterThan(before);
      await expect.poll(() => metric(tracker, 'chihaya_workers')).toBe(3);
      // So many that each worker has some.
      const answers = Array.from({ length: 30 }, async () =>
        (await fetch(`${tracker.address('http').href}announce?${QUERY}`)).text(),
      );
      for (const answer of await Promise.all(answers)) expect(answer).toContain(`8:intervali${60 * i}e`);
    }
  });

  test('a stop ends a worker that hangs', async () => {
    const code = `
      import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';
      const channel = new BroadcastChannel('test');
      channel.unref();
      if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('hang'));
      else if (workerData.number === 2) channel.onmessage = () => { for (;;); };`;
    const tracker = await start({ workers: 3, ...BASE, shutdown_timeout: '100ms' }, preload(code));
    process.kill(tracker.process.pid, 'SIGUSR2');
    await tracker.process.stop('SIGTERM', 30_000);
    expect(tracker.process.exitCode).toBe(0);
    expect(tracker.process.output).toContain('worker 2 did not end within shutdown_timeout: cut off');
  });
});

test('a signal during the start is a reload after it', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'chihaya.yaml');
  const [hook, go] = [join(directory, 'hook.mjs'), join(directory, 'go')];
  // The start takes as long as the test wants.
  writeFileSync(
    hook,
    `import { existsSync } from 'node:fs';
     import { setTimeout } from 'node:timers/promises';
     import { defineHook, z } from 'chihaya';
     export default defineHook({
       name: 'slow',
       options: z.strictObject({}),
       async create(_options, { logger }) {
         logger.info('waiting');
         while (!existsSync(${JSON.stringify(go)})) await setTimeout(5);
         return { handleAnnounce() {}, handleScrape() {} };
       },
     });`,
  );
  const write = (announce_interval: string) => {
    const prehooks = [{ name: hook, options: {} }];
    writeFileSync(path, JSON.stringify({ chihaya: { ...BASE, workers: 1, announce_interval, prehooks } }));
  };
  write('1m');
  const child = new RunningProcess({
    file: process.execPath,
    args: [PROGRAM, '--json', '--allow-root', '--config', path],
  });
  onTestFinished(() => child.stop());
  await child.waitFor(/"msg":"waiting"/, 20_000);
  process.kill(child.pid, 'SIGHUP');
  await child.waitFor(/"msg":"reloading"/, 20_000);
  write('2m');
  writeFileSync(go, '');
  const [line] = await child.waitFor(/^\{.*"msg":"reloaded".*\}$/m, 20_000);
  expect(child.output).toMatch(/"msg":"reloading"[\s\S]*"msg":"ready"[\s\S]*"msg":"reloaded"/);
  const [http] = (JSON.parse(line) as { addresses: string[] }).addresses;
  expect(await (await fetch(`${http}/announce?${QUERY}`)).text()).toContain('8:intervali120e');
});

test('a port that another program has taken meanwhile is told', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const tracker = await start({ workers: 1, ...BASE });
  const line = await tracker.reload({ workers: 1, ...BASE, metrics_addr: `127.0.0.1:${port}` });
  expect(line.msg).toContain(`metrics_addr: 127.0.0.1:${port} cannot be bound`);
});
