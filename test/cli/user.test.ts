/** Root, and how the tracker leaves it: `--user`, `--allow-root`. */

import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeCertificate } from '../support/certificate.ts';
import { RunningProcess } from '../support/running-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { UdpClient } from '../support/udp-client.ts';
import { PROGRAM } from './chihaya.ts';

const NOBODY = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups'] as const;
const [UID, GID] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'nobody']).stdout));

const whyNot = (() => {
  if (process.platform !== 'linux') return 'it looks into /proc';
  if (process.getuid?.() !== 0) return 'only root can become another user';
  const [file, ...args] = [...NOBODY, 'test', '-r', PROGRAM];
  if (spawnSync(file, args).status !== 0) return 'the user nobody cannot read the built program';
  return undefined;
})();

/** Those that were given out, and those that `fetch` refuses to ask (https://fetch.spec.whatwg.org/#port-blocking). */
const given = new Set([601, 636, 989, 990, 993, 995]);

/** Another port below 1024 on which nobody listens, neither over TCP nor over UDP. */
async function lowPort(): Promise<number> {
  for (;;) {
    const port = randomInt(600, 1024);
    if (given.has(port)) continue;
    given.add(port);
    const tcp = await new Promise<boolean>((resolve) => {
      const server = createServer().once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    const udp = await new Promise<boolean>((resolve) => {
      const socket = createSocket('udp4').once('error', () => resolve(false));
      socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
    });
    if (tcp && udp) return port;
  }
}

/** A file that nobody can read, in a directory that nobody can write to. */
function write(config: object): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const path = join(directory, 'chihaya.yaml');
  writeFileSync(path, JSON.stringify({ chihaya: config }));
  return path;
}

async function start(config: object, env: Record<string, string> = {}): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.run(write(config), undefined, env, undefined, ['--user', 'nobody']);
  onTestFinished(() => tracker.stop());
  return tracker;
}

/** The errors that it logs when it does not start. */
async function refusal(args: readonly string[], as: readonly string[] = []): Promise<string[]> {
  const [file, ...rest] = [...as, process.execPath, PROGRAM, '--json', ...args];
  const child = new RunningProcess({ file: file as string, args: rest });
  onTestFinished(() => child.stop('SIGKILL'));
  await child.waitFor(/"msg":"the tracker did not start: /, 20_000);
  await child.stop();
  expect(child.exitCode).toBe(1);
  const errors = child.output.split('\n').filter((line) => line.startsWith('{"level":"error"'));
  return errors.map((line) => (JSON.parse(line) as { msg: string }).msg);
}

/** A line of `status` of every thread. */
function ofThreads(tracker: TrackerProcess, field: string): string[] {
  const tasks = `/proc/${tracker.process.pid}/task`;
  const threads = readdirSync(tasks);
  expect(threads.length).toBeGreaterThan(8);
  const line = new RegExp(`^${field}:[\\t ]*(.*?) *$`, 'm');
  const values = threads.map((thread) => line.exec(readFileSync(`${tasks}/${thread}/status`, 'utf8'))?.[1]);
  return [...new Set(values as string[])];
}

function expectNobody(tracker: TrackerProcess): void {
  const four = (id: number | undefined) => [Array(4).fill(id).join('\t')];
  expect(ofThreads(tracker, 'Uid')).toEqual(four(UID));
  expect(ofThreads(tracker, 'Gid')).toEqual(four(GID));
  expect(ofThreads(tracker, 'Groups')).toEqual([String(GID)]);
  for (const set of ['CapPrm', 'CapEff', 'CapAmb'])
    expect(ofThreads(tracker, set)).toEqual(['0000000000000000']);
}

const announce = (id: number) =>
  `/announce?info_hash=${'a'.repeat(20)}&peer_id=${String(id).padStart(20, 'b')}&port=6881&uploaded=0&downloaded=0&left=1`;

/** Asks from many ports, so that each worker is asked. */
async function expectServed(port: number): Promise<void> {
  for (let i = 0; i < 40; i++) {
    const response = await fetch(`http://127.0.0.1:${port}${announce(i)}`, {
      headers: { connection: 'close' },
    });
    expect(await response.text()).toContain('8:interval');
    const client = await UdpClient.open(port);
    expect(await client.connect()).toHaveLength(8);
    await client.close();
  }
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    }).once('error', () => resolve(true));
  });
}

const configOf = (workers: number, port: number) => ({
  workers,
  metrics_addr: '127.0.0.1:0',
  http: { addr: `127.0.0.1:${port}` },
  udp: { addr: `127.0.0.1:${port}`, private_key: 'a text' },
});

describe.skipIf(whyNot)(`started as root with --user${whyNot ? `: skipped, ${whyNot}` : ''}`, () => {
  test.each([1, 3])(
    'it serves ports below 1024, and no thread is root any more (workers: %d)',
    async (workers) => {
      const port = await lowPort();
      const metrics = await lowPort();
      const tracker = await start({ ...configOf(workers, port), metrics_addr: `127.0.0.1:${metrics}` });
      expectNobody(tracker);
      await expectServed(port);
      expectNobody(tracker);
      const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
      expect(text).toContain(`chihaya_workers ${workers}\n`);
      expect(text).toMatch(/^process_open_fds [1-9]/m);
      expect(tracker.process.output).toMatch(
        new RegExp(
          `"user":"nobody","uid":${UID},"gid":${GID},"groups":\\[${GID}\\],.*root has become another user`,
        ),
      );
      expect(tracker.problems()).toEqual([]);

      const said = tracker.process.said;
      process.kill(tracker.process.pid, 'SIGTERM');
      await tracker.process.waitFor(/"msg":"stopped"/, 10_000, said);
      expect(await isRefused(port)).toBe(true);
    },
  );

  test('with port 0 and others above 1023 nothing is bound as root', async () => {
    const tracker = await start(configOf(2, 0));
    expectNobody(tracker);
    expect(tracker.problems()).toEqual([]);
    const http = await fetch(`${tracker.address('http').href}${announce(1).slice(1)}`);
    expect(await http.text()).toContain('8:interval');
  });

  test('a worker that takes the place of one that died serves those ports', async () => {
    const code = `
      import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';
      const channel = new BroadcastChannel('test');
      channel.unref();
      if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('fail'));
      else if (workerData.number === 2) channel.onmessage = () => process.exit(7);`;
    const port = await lowPort();
    const tracker = await start(configOf(3, port), {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
    });
    const open = tracker.openDescriptors;
    for (let round = 0; round < 3; round++) {
      const { said } = tracker.process;
      process.kill(tracker.process.pid, 'SIGUSR2');
      await tracker.process.waitFor(/"msg":"worker 2 serves again"/, 20_000, said);
      await expectServed(port);
    }
    expectNobody(tracker);
    expect(tracker.problems().map(({ msg }) => msg)).toEqual([
      'worker 2 died: another takes its place',
      'worker 2 died: another follows in 100 ms',
      'worker 2 died: another follows in 200 ms',
    ]);
    await expect.poll(() => tracker.openDescriptors).toBeLessThanOrEqual(open + 2);
  });

  test.each([1, 2])(
    'a reload keeps such ports, gives them up, and cannot have others (workers: %d)',
    async (workers) => {
      const port = await lowPort();
      const config = configOf(workers, port);
      const tracker = await start(config);
      expect((await tracker.reload({ ...config, announce_interval: '10m' })).msg).toBe('reloaded');
      await expectServed(port);

      const other = await lowPort();
      for (const protocol of ['http', 'udp'] as const) {
        const { msg } = await tracker.reload({
          ...config,
          [protocol]: { ...config[protocol], addr: `127.0.0.1:${other}` },
        });
        expect(msg).toContain('the configuration was not reloaded, and the one before stays');
        expect(msg).toContain('with --user they are bound when the tracker starts, and only then');
      }
      await expectServed(port);

      // A port that is given up refuses clients, and is not to be had again.
      const without = { ...config, http: { addr: '127.0.0.1:0' } };
      const { addresses } = await tracker.reload(without);
      expect(addresses).toContain(`udp://127.0.0.1:${port}`);
      for (const end = Date.now() + 5_000; !(await isRefused(port)); ) expect(Date.now()).toBeLessThan(end);
      expect((await tracker.reload(config)).msg).toContain('only then');
      const [http = ''] = addresses.filter((address) => address.startsWith('http:'));
      expect(await (await fetch(`${http}${announce(1)}`)).text()).toContain('8:interval');
    },
  );

  test("a snapshot is that user's", async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const own = join(directory, 'own');
    mkdirSync(own);
    chownSync(own, UID as number, GID as number);
    const snapshot = join(own, 'swarms');
    const port = await lowPort();
    const tracker = await start({
      ...configOf(2, port),
      storage: { name: 'memory', config: { snapshot_path: snapshot } },
    });
    await expectServed(port);
    await tracker.process.stop('SIGTERM', 10_000);
    expect(statSync(snapshot)).toMatchObject({ uid: UID, gid: GID });
  });

  test('what that user cannot read keeps it from starting', async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    chmodSync(key, 0o600);
    const port = await lowPort();
    const path = write({
      http: { https_addr: `127.0.0.1:${port}`, tls_cert_path: certificate, tls_key_path: key },
    });
    const flags = ['--config', path, '--user', 'nobody'];
    expect(await refusal(flags)).toEqual([
      expect.stringMatching(/tls_key_path: cannot read the key in .*key\.pem: EACCES$/),
      'the tracker did not start: 1 mistake in the configuration',
    ]);

    chmodSync(path, 0o600);
    expect(await refusal(flags)).toEqual([
      expect.stringMatching(/chihaya\.yaml.*EACCES/),
      'the tracker did not start: 1 mistake in the configuration',
    ]);
  });

  test('a port that another has is told', async () => {
    const port = await lowPort();
    await start(configOf(2, port));
    expect(await refusal(['--user', 'nobody', '--config', write(configOf(2, port))])).toEqual([
      `the tracker did not start: http.addr: cannot bind 127.0.0.1:${port} for another user: bind 127.0.0.1:${port}: EADDRINUSE: address already in use`,
    ]);
  });

  test.each([
    ['nobody:daemon', 'daemon'],
    ['65534', 'nogroup'],
    ['12345:daemon', 'daemon'],
  ])('--user %s', async (user, group) => {
    const tracker = await TrackerProcess.run(write(configOf(1, 0)), undefined, {}, undefined, [
      '--user',
      user,
    ]);
    onTestFinished(() => tracker.stop());
    const gid = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`${group}:`))
      ?.split(':')[2];
    expect(ofThreads(tracker, 'Gid')).toEqual([Array(4).fill(gid).join('\t')]);
    expect(ofThreads(tracker, 'Uid')).toEqual([
      Array(4)
        .fill(user === '12345:daemon' ? 12345 : UID)
        .join('\t'),
    ]);
  });

  test.each([
    ['no-such-user', 'there is no user "no-such-user" on this system'],
    ['nobody:no-such-group', 'Group identifier does not exist: no-such-group'],
    ['12345', 'no user of this system has that number, so a group is needed: 12345:GROUP'],
    ['root', 'that is root: to run as root there is --allow-root'],
    ['0', 'that is root: to run as root there is --allow-root'],
  ])('--user %s is refused', async (user, reason) => {
    expect(await refusal(['--config', write({}), '--user', user])).toEqual([
      `the tracker did not start: --user ${user}: ${reason}`,
    ]);
  });

  test('only root can become another user', async () => {
    expect(await refusal(['--config', write({}), '--user', 'nobody'], NOBODY)).toEqual([
      'the tracker did not start: --user nobody: only root can become another user: start it as root, or without --user',
    ]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('as root', () => {
  test('it does not run unless it is told to', async () => {
    expect(await refusal(['--config', 'test/cli/minimal.yaml'])).toEqual([
      'the tracker did not start: it would run as root, where a mistake costs the whole machine: start it as another user, have it become one with --user NAME, or insist with --allow-root',
    ]);
  });

  test('`npm start` runs all the same', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
    expect(scripts.start).toMatch(/ exec node build\/cli\/chihaya\.cjs --allow-root$/);
  });
});
