/** `/debug/pprof/` of a tracker as operators run it, under load, and what it makes of threads that die or hang. */

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Pprof, readPprof } from '../support/pprof.ts';
import { Supervised } from '../support/supervised.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';
import { until } from '../support/until.ts';

const CONFIG = { metrics_addr: '127.0.0.1:0', udp: { addr: '127.0.0.1:0', private_key: 'a secret text' } };

/** That one of two workers has none happens once in two thousand million times. */
const CLIENTS = 32;

const run = promisify(execFile);

const GO = ['go', '/usr/local/go/bin/go'].find((path) => spawnSync(path, ['version']).status === 0);

const linux = process.platform === 'linux';

function pages(tracker: TrackerProcess): string {
  return new URL('/debug/pprof/', tracker.metrics).href;
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

const ANNOUNCE = 'middleware/logic.handleAnnounce';
const STORE = 'storage/memory/peer-store.announcePeers';

/** For tests that may have to look more than once. */
const LONG = { timeout: 120_000 };

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly tid?: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly name?: string };
}

/** Whether a thread was seen in a function. */
function wasIn(profile: Pprof, thread: string, name: string): boolean {
  return profile.samples.some(
    (sample) => sample.thread === thread && sample.stack.some((call) => call.name === name),
  );
}

/** What was taken once it shows what it must: on a busy machine a second of it may hold few samples of any thread. */
function untilIn<T>(what: string, take: () => Promise<T>, shows: (taken: T) => boolean): Promise<T> {
  return until(
    what,
    async () => {
      const taken = await take();
      return shows(taken) && taken;
    },
    60_000,
  ) as Promise<T>;
}

/** Announces without a pause until `signal` says so. */
async function load(tracker: TrackerProcess, signal: AbortSignal): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => UdpClient.open(Number(tracker.address('udp').port))),
  );
  let peer = 0;
  await Promise.all(
    clients.map(async (client) => {
      const connectionId = await client.connect();
      while (!signal.aborted) {
        const peerId = `-XX0001-${String(peer++ % 5000).padStart(12, '0')}`;
        const packet = announcePacket({ connectionId, peerId, numwant: 50, port: 1 + (peer % 5000) });
        // A busy machine may lose one.
        await client.ask(packet).catch(() => {});
      }
      await client.close();
    }),
  );
}

describe.skipIf(!linux)('a tracker of two workers, under load', () => {
  let tracker: TrackerProcess;
  let loaded: Promise<void>;
  const end = new AbortController();

  beforeAll(async () => {
    tracker = await TrackerProcess.start({ ...CONFIG, workers: 2 });
    loaded = load(tracker, end.signal);
  });

  afterAll(async () => {
    end.abort();
    await loaded;
    await tracker.stop();
  });

  test('a processor profile names our functions, by file and line, in each thread', LONG, async () => {
    const response = await fetch(`${pages(tracker)}profile?seconds=1`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    await bytesOf(response);
    const profile = await untilIn(
      'announces in each worker',
      async () => readPprof(await bytesOf(await fetch(`${pages(tracker)}profile?seconds=2`))),
      (taken) =>
        ['worker 1', 'worker 2'].every((worker) => wasIn(taken, worker, ANNOUNCE)) &&
        ['worker 1', 'worker 2'].some((worker) => wasIn(taken, worker, STORE)),
    );
    expect(profile.types).toEqual(['samples/count', 'cpu/nanoseconds']);
    expect(profile.durationNanos).toBeGreaterThanOrEqual(2e9);
    expect(profile.durationNanos).toBeLessThan(20e9);
    expect(profile.comments).toEqual([]);

    const calls = profile.samples.flatMap(({ stack }) => stack);
    for (const [name, file, line] of [
      [ANNOUNCE, 'src/middleware/logic.ts', '  handleAnnounce('],
      [STORE, 'src/storage/memory/peer-store.ts', '  announcePeers('],
    ] as const) {
      const call = calls.find((each) => each.name === name);
      const at = readFileSync(file, 'utf8').split('\n').indexOf(line) + 1;
      expect(call).toEqual({ name, file, line: at });
    }
    // A thread cannot be on the processor longer than the profile took.
    const busy = (of: string) =>
      profile.samples
        .filter(({ thread }) => thread === of)
        .reduce((sum, { values }) => sum + (values[1] ?? 0), 0);
    for (const thread of ['supervisor', 'worker 1', 'worker 2'])
      expect(busy(thread)).toBeLessThanOrEqual(profile.durationNanos);
    // The supervisor waits nearly all the time, which is no work.
    expect(busy('supervisor')).toBeLessThan(busy('worker 1') + busy('worker 2'));
  });

  test('a heap profile', async () => {
    const profile = readPprof(await bytesOf(await fetch(`${pages(tracker)}heap`)));
    expect(profile.types).toEqual(['inuse_space/bytes']);
    expect(profile.comments).toEqual([]);
    const total = profile.samples.reduce((sum, { values }) => sum + (values[0] ?? 0), 0);
    // More than nothing, and less than such a process has.
    expect(total).toBeGreaterThan(500_000);
    expect(total).toBeLessThan(100_000_000);
  });

  test('a trace', LONG, async () => {
    const announcesIn = (events: readonly TraceEvent[]) =>
      new Set(events.filter(({ ph, name }) => ph === 'X' && name === ANNOUNCE).map(({ tid }) => tid));
    const traceEvents = await untilIn(
      'announces in each worker',
      async () => {
        const bytes = await bytesOf(await fetch(`${pages(tracker)}trace?seconds=1`));
        return (JSON.parse(gunzipSync(bytes).toString()) as { traceEvents: TraceEvent[] }).traceEvents;
      },
      (taken) => announcesIn(taken).size === 2,
    );
    expect(traceEvents.filter(({ name }) => name === 'thread_name').map(({ args }) => args.name)).toEqual([
      'supervisor',
      'worker 1',
      'worker 2',
    ]);
    const calls = traceEvents.filter(({ ph }) => ph === 'X');
    expect(announcesIn(traceEvents)).toEqual(new Set([1, 2]));
    const from = Math.min(...calls.map(({ ts }) => ts));
    const to = Math.max(...calls.map(({ ts, dur }) => ts + dur));
    expect(to - from).toBeGreaterThan(0.9e6);
  });

  test.skipIf(!GO)(
    `go tool pprof reads both${GO ? '' : ': skipped, there is no go'}`,
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'chihaya-pprof-'));
      onTestFinished(() => rmSync(directory, { recursive: true }));
      for (const [page, type] of [
        ['profile?seconds=1', 'cpu'],
        ['heap', 'inuse_space'],
      ]) {
        const path = join(directory, 'profile');
        writeFileSync(path, await bytesOf(await fetch(pages(tracker) + page)));
        // The load goes on: this thread must not wait.
        const { stdout, stderr } = await run(GO as string, ['tool', 'pprof', '-top', path]);
        expect(stdout, stderr).toContain(`Type: ${type}\n`);
        expect(stdout).toMatch(/ (frontend|middleware|storage|pkg|node:\w+)[\w/-]*\.\S+$/m);
      }
      // The first time Go builds the tool.
    },
    120_000,
  );

  test('one profile at a time; one that nobody waits for ends', async () => {
    const leave = new AbortController();
    const first = fetch(`${pages(tracker)}profile?seconds=300`, { signal: leave.signal });
    first.catch(() => {});
    const heap = () => fetch(`${pages(tracker)}heap`);
    const refused = await until('the first to be taken', async () => {
      const response = await heap();
      return response.status === 409 && response;
    });
    expect(await refused.text()).toBe('another profile is being taken: ask again when it is finished\n');
    expect((await fetch(`${pages(tracker)}trace`)).status).toBe(409);
    leave.abort();
    await until('the first to end', async () => (await heap()).status === 200);
    // The workers have noticed, too: they can be sampled again.
    const profile = readPprof(await bytesOf(await fetch(`${pages(tracker)}profile?seconds=1`)));
    expect(profile.comments).toEqual([]);
  });

  test.each([
    ['profile', '0', 300],
    ['profile', '301', 300],
    ['profile', '1e2', 300],
    ['profile', '', 300],
    ['trace', '11', 10],
    ['trace', '-1', 10],
  ])('%s?seconds=%s is refused', async (page, seconds, most) => {
    const response = await fetch(`${pages(tracker)}${page}?seconds=${seconds}`);
    expect(response.status).toBe(400);
    expect(await response.text()).toBe(`seconds: expected a whole number from 1 to ${most}\n`);
  });

  test('the index, the command line, and no symbols', async () => {
    const index = await (await fetch(pages(tracker))).text();
    for (const page of ['profile?seconds=30', 'heap', 'trace?seconds=1', 'cmdline', 'symbol'])
      expect(index).toContain(`<a href="${page}">`);
    const words = (await (await fetch(`${pages(tracker)}cmdline`)).text()).split('\0');
    expect(words[0]).toBe(process.execPath);
    expect(words.slice(-3, -1)).toEqual(['--json', '--config']);
    for (const method of ['GET', 'POST'])
      expect(await (await fetch(`${pages(tracker)}symbol`, { method })).text()).toBe('num_symbols: 0\n');
  });
});

test('a single thread profiles itself', LONG, async () => {
  const tracker = await TrackerProcess.start({ ...CONFIG, workers: 1 });
  onTestFinished(() => tracker.stop());
  const end = new AbortController();
  const loaded = load(tracker, end.signal);
  const profile = await untilIn(
    'announces',
    async () => readPprof(await bytesOf(await fetch(`${pages(tracker)}profile?seconds=1`))),
    (taken) => wasIn(taken, 'main', ANNOUNCE),
  );
  end.abort();
  await loaded;
  expect(new Set(profile.samples.map(({ thread }) => thread))).toEqual(new Set(['main']));
});

test('a stop does not wait for a profile', async () => {
  const tracker = await TrackerProcess.start({ ...CONFIG, workers: 1 });
  onTestFinished(() => tracker.stop());
  const cut = expect(fetch(`${pages(tracker)}profile?seconds=300`).then(bytesOf)).rejects.toThrow();
  await until('the profile to be taken', async () => (await fetch(`${pages(tracker)}heap`)).status === 409);
  await tracker.process.stop('SIGTERM', 10_000);
  expect(tracker.process.exitCode).toBe(0);
  await cut;
});

test('pprof: false', async () => {
  const tracker = await TrackerProcess.start({ ...CONFIG, workers: 1, pprof: false });
  onTestFinished(() => tracker.stop());
  for (const page of ['', 'profile', 'heap', 'cmdline'])
    expect((await fetch(pages(tracker) + page)).status).toBe(404);
});

describe.skipIf(!linux)('a worker that', () => {
  test('dies meanwhile is missing', async () => {
    const tracker = await Supervised.start({ udp: { addr: '127.0.0.1:0' }, metrics_addr: '127.0.0.1:0' }, 2);
    onTestFinished(() => tracker.stop());
    const { supervisor } = tracker;
    const take = () =>
      supervisor.profiles?.take(
        { kind: 'cpu', duration: 500, interval: 1_000 },
        new AbortController().signal,
      );
    const taken = take();
    await tracker.kill(1);
    const found = (outcomes: Awaited<ReturnType<typeof take>>) =>
      outcomes?.map(({ thread, outcome }) => [thread, 'missing' in outcome ? outcome.missing : 'profile']);
    expect(found(await taken)).toEqual([
      ['supervisor', 'profile'],
      ['worker 1', 'it ended'],
      ['worker 2', 'profile'],
    ]);
    // The one in its place is profiled like any other.
    expect(found(await take())?.map(([, what]) => what)).toEqual(['profile', 'profile', 'profile']);
  });

  test('hangs is missing', async () => {
    // Whichever worker is asked to profile itself first hangs for good.
    const hang = `
      import { parentPort, workerData } from 'node:worker_threads';
      if (workerData?.number === 1) parentPort.on('message', ({ kind }) => {
        if (kind === 'profile') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`;
    const url = `data:text/javascript,${encodeURIComponent(hang)}`;
    const tracker = await TrackerProcess.start({ ...CONFIG, workers: 2 }, undefined, {
      NODE_OPTIONS: `--import=${url}`,
    });
    onTestFinished(() => tracker.stop());
    const profile = readPprof(await bytesOf(await fetch(`${pages(tracker)}profile?seconds=1`)));
    expect(profile.comments).toEqual(['worker 1 is missing: it did not answer']);
  });
});
