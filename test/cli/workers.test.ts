/** Several workers in a process of their own: its log, its end, and a worker that throws. */

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { halfRequest } from '../support/half-request.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { UdpClient } from '../support/udp-client.ts';

const linux = process.platform === 'linux';

const CONFIG = {
  workers: 3,
  metrics_addr: '127.0.0.1:0',
  http: { addr: '127.0.0.1:0' },
  udp: { addr: '127.0.0.1:0', private_key: 'a very secret text' },
};

async function startTracker(
  config: object = CONFIG,
  env: Record<string, string> = {},
): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.start(config, undefined, env);
  onTestFinished(() => tracker.stop());
  return tracker;
}

/** Has every thread of the process run `code` first, with a heap that is soon full. */
function preload(code: string): Record<string, string> {
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return { NODE_OPTIONS: `--max-old-space-size=64 --import=${url}` };
}

function lines(tracker: TrackerProcess): Record<string, unknown>[] {
  return tracker.process.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function metric(tracker: TrackerProcess, line: string): Promise<number> {
  const text = await (await fetch(tracker.metrics as string)).text();
  return Number(new RegExp(`^${line} (.*)$`, 'm').exec(text)?.[1]);
}

describe.skipIf(!linux)('with several workers', () => {
  test('the configuration is logged once, without secrets', async () => {
    const tracker = await startTracker();
    const configurations = lines(tracker).filter(({ config }) => config !== undefined);
    expect(configurations.map(({ component }) => component)).toEqual([undefined, 'memory', 'http', 'udp']);
    await tracker.process.stop();
    expect(tracker.process.exitCode).toBe(0);
    expect(tracker.problems()).toEqual([]);
    expect(tracker.process.output).toMatch(/"msg":"stopping".*\n.*"msg":"stopped"/);
    expect(tracker.process.output).not.toContain('secret text');
  });

  test('a stop answers what is under way', async () => {
    const http = { addr: '127.0.0.1:0', read_timeout: '60s', enable_keepalive: true };
    const tracker = await startTracker({ ...CONFIG, http, shutdown_timeout: '60s' });
    const port = Number(tracker.address('http').port);
    const half = async () => {
      const socket = await halfRequest(port, `GET /scrape?info_hash=${'a'.repeat(20)} `);
      let answer = '';
      const ended = new Promise<string>((done) => socket.on('close', () => done(answer)));
      socket.setEncoding('latin1').on('data', (text: string) => {
        answer += text;
      });
      const finish = () => {
        socket.write(`HTTP/1.1\r\nHost: x\r\n\r\n`);
        return ended;
      };
      return { finish };
    };
    // So many that each worker has some.
    const requests = await Promise.all(Array.from({ length: 30 }, half));
    process.kill(tracker.process.pid, 'SIGTERM');
    await tracker.process.waitFor(/"msg":"stopping"/, 20_000);
    // It can be watched how they stop: no worker takes requests any more, each still has its connections.
    while ((await metric(tracker, 'chihaya_workers')) > 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await metric(tracker, 'chihaya_http_connections\\{scheme="http"\\}')).toBe(requests.length);
    const answers = await Promise.all(requests.map(({ finish }) => finish()));
    for (const answer of answers) expect(answer).toContain('10:incompletei0e');
    await tracker.process.waitFor(/"msg":"stopped"/, 20_000);
    await expect(fetch(`http://127.0.0.1:${port}/scrape`)).rejects.toThrow();
  });

  test('a second signal ends the process at once', async () => {
    const http = { addr: '127.0.0.1:0', read_timeout: '60s', enable_keepalive: true };
    const tracker = await startTracker({ ...CONFIG, http });
    const socket = await halfRequest(Number(tracker.address('http').port));
    process.kill(tracker.process.pid, 'SIGTERM');
    await tracker.process.waitFor(/"msg":"stopping"/, 20_000);
    await tracker.process.stop('SIGTERM', 10_000);
    expect(tracker.process.exitCode).toBe(143);
    expect(tracker.process.output).not.toContain('"msg":"stopped"');
    socket.destroy();
  });

  test.each(['http', 'udp'] as const)('a port that is taken (%s) ends the start with 1', async (protocol) => {
    const first = await startTracker({ workers: 2, [protocol]: { addr: '127.0.0.1:0' } });
    const addr = first.address(protocol).host;
    const second = TrackerProcess.start({ workers: 2, [protocol]: { addr } });
    await expect(second).rejects.toThrow(
      protocol === 'http'
        ? `the tracker did not start: http: cannot listen on ${addr} for HTTP: another process`
        : `the tracker did not start: udp: cannot bind UDP ${addr}: EADDRINUSE`,
    );
  });

  test.each([
    ['an error that nobody caught', "throw new TypeError('a bug')", /"type":"TypeError","message":"a bug"/],
    ['a rejection that nobody handled', "Promise.reject(new Error('a bug'))", /a bug/],
    ['process.exit', 'process.exit(7)', /it ended by itself, with code 7/],
    ['a full heap', 'const all = []; for (;;) all.push(new Array(100_000).fill(all.length + 0.5))', /memory/],
  ])('%s ends one worker, and another takes its place', { timeout: 120_000 }, async (_, failure, reason) => {
    const code = `
      import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';
      const channel = new BroadcastChannel('test');
      channel.unref();
      if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('fail'));
      else if (workerData.number === 2) channel.onmessage = () => { ${failure} };`;
    const tracker = await startTracker(CONFIG, preload(code));
    const url = `${tracker.address('http').href}announce?info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=1&uploaded=0&downloaded=0&left=1`;
    expect(await (await fetch(url)).text()).toContain('8:interval');
    const requests = 'chihaya_http_requests_total\\{scheme="http"\\}';
    expect(await metric(tracker, requests)).toBe(1);

    process.kill(tracker.process.pid, 'SIGUSR2');
    await tracker.process.waitFor(/"worker":2.*"msg":"worker 2 serves again"/, 60_000);
    const [problem, ...others] = tracker.problems();
    expect(problem).toMatchObject({
      level: 'error',
      worker: 2,
      msg: 'worker 2 died: another takes its place',
    });
    expect(JSON.stringify(problem)).toMatch(reason);
    expect(others).toEqual([]);

    expect(await metric(tracker, 'chihaya_worker_restarts_total')).toBe(1);
    expect(await metric(tracker, 'chihaya_workers')).toBe(3);
    expect(await metric(tracker, requests)).toBe(1);
    const scrape = await fetch(`${tracker.address('http').href}scrape?info_hash=${'a'.repeat(20)}`);
    expect(await scrape.text()).toContain('10:incompletei1e');
    for (let i = 0; i < 20; i++) {
      const client = await UdpClient.open(Number(tracker.address('udp').port));
      expect(await client.connect()).toHaveLength(8);
      await client.close();
    }
  });
});

describe('without koffi one thread serves', () => {
  const resolve = `
    export async function resolve(name, context, next) {
      if (name === 'koffi') throw new Error('koffi is not there');
      return next(name, context);
    }`;
  const code = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(resolve)}));`;

  test.each([
    [3, 'warn'],
    [availableParallelism() > 1 ? ('auto' as const) : 3, availableParallelism() > 1 ? 'info' : 'warn'],
  ])('workers: %s', async (workers, level) => {
    const tracker = await startTracker({ ...CONFIG, workers }, preload(code));
    expect(lines(tracker)).toContainEqual(
      expect.objectContaining({
        level,
        msg: 'one thread serves clients: several would need system calls that are not to be had here',
        reason: linux ? 'koffi is not there' : expect.stringContaining('system calls'),
      }),
    );
    expect(await metric(tracker, 'chihaya_workers')).toBe(1);
    expect((await fetch(`${tracker.address('http').href}scrape`)).status).toBe(200);
  });
});

describe.skipIf(!linux)("libuv's pool", () => {
  const threads = (tracker: TrackerProcess) => readdirSync(`/proc/${tracker.process.pid}/task`).length;

  test('has a thread for a worker on each processor, and four more', async () => {
    const config = { workers: 1, http: { addr: '127.0.0.1:0' } };
    const small = await startTracker(config, { UV_THREADPOOL_SIZE: '1' });
    const usual = await startTracker(config);
    expect(threads(usual) - threads(small)).toBe(availableParallelism() + 4 - 1);
  });

  test('is said to be too small for more workers', async () => {
    const tracker = await startTracker({ ...CONFIG, workers: 3 }, { UV_THREADPOOL_SIZE: '3' });
    expect(tracker.problems()).toEqual([
      expect.objectContaining({ level: 'warn', msg: expect.stringContaining('UV_THREADPOOL_SIZE=7') }),
    ]);
  });
});
