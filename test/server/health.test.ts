/** `/health/live` and `/health/ready`, from the start to the end of a tracker. */

import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  createTracker,
  defineHook,
  defineStorageDriver,
  type Embedding,
  type PeerStore,
  type Tracker,
} from '../../src/index.ts';
import { Health } from '../../src/server/health.ts';
import type { WorkerThread } from '../../src/server/worker-thread.ts';
import { NaivePeerStore } from '../support/naive-peer-store.ts';
import { reservePort } from '../support/reserved-port.ts';
import { Supervised } from '../support/supervised.ts';
import { until } from '../support/until.ts';

interface Asked {
  readonly status: number;
  readonly body: unknown;
}

async function ask(port: number, path: string): Promise<Asked> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.json() };
}

function ready(port: number): Promise<Asked> {
  return ask(port, '/health/ready');
}

const READY = { status: 200, body: { status: 'ready' } };

function notReady(...reasons: string[]): Asked {
  return { status: 503, body: { status: 'not ready', reasons } };
}

async function start(options: object, embedding?: Embedding): Promise<{ tracker: Tracker; port: number }> {
  const tracker = await createTracker({ ...options, metrics_addr: '127.0.0.1:0' }, embedding);
  onTestFinished(() => tracker.stop());
  return { tracker, port: tracker.metricsAddress?.port as number };
}

/** A hook driver that waits for `gate` when it is made and for `end` when it stops. */
function slowHook(gate: Promise<void>, end: Promise<void>) {
  return defineHook({
    name: 'slow',
    summary: 'For a test.',
    options: z.object({}),
    create: async () => {
      await gate;
      return { handleAnnounce() {}, handleScrape() {}, stop: () => end };
    },
  });
}

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test('a tracker is live all the time, and ready between its start and its stop', async () => {
  const [made, stopped] = [gate(), gate()];
  const { port, release } = await reservePort();
  onTestFinished(release);
  const starting = createTracker(
    { metrics_addr: `127.0.0.1:${port}`, http: { addr: '127.0.0.1:0' }, prehooks: [{ name: 'slow' }] },
    { hookDrivers: [slowHook(made.opened, stopped.opened)] },
  );
  const live = { status: 200, body: { status: 'live' } };
  await until('the metrics server', () => ready(port));
  expect(await ready(port)).toEqual(notReady('the tracker is starting'));
  expect(await ask(port, '/health/live')).toEqual(live);

  made.open();
  const tracker = await starting;
  expect(await ready(port)).toEqual(READY);
  expect(await ask(port, '/health/live')).toEqual(live);

  const stop = tracker.stop();
  expect(await ready(port)).toEqual(notReady('the tracker is stopping'));
  expect(await ask(port, '/health/live')).toEqual(live);
  stopped.open();
  await stop;
  await expect(ready(port)).rejects.toThrow();
});

test('a tracker that listens nowhere is not ready', async () => {
  const { port } = await start({ udp: {} });
  expect(await ready(port)).toEqual(notReady('no socket is bound: no frontend has an address'));
});

test('a tracker is as ready as its store', async () => {
  const store: PeerStore = new NaivePeerStore();
  let answers = true;
  store.ready = () => answers;
  const driver = defineStorageDriver({
    name: 'mine',
    summary: 'For a test.',
    options: z.object({}),
    open: async () => store,
  });
  const { port } = await start(
    { udp: { addr: '127.0.0.1:0' }, storage: { name: 'mine' } },
    { storageDrivers: [driver] },
  );
  expect(await ready(port)).toEqual(READY);
  answers = false;
  expect(await ready(port)).toEqual(notReady('the store does not answer'));
  answers = true;
  expect(await ready(port)).toEqual(READY);
});

test.skipIf(process.platform !== 'linux')('with several workers it is ready while one serves', async () => {
  const supervised = await Supervised.start({ udp: { addr: '127.0.0.1:0' } }, 2);
  onTestFinished(() => supervised.stop());
  const { supervisor } = supervised;
  const health = new Health();
  health.started(supervisor);
  expect(health.obstacles()).toEqual([]);

  const [first, second] = supervisor.threads as [WorkerThread, WorkerThread];
  first.terminate();
  await first.ended;
  expect(health.obstacles()).toEqual([]);
  second.terminate();
  await second.ended;
  expect(health.obstacles()).toEqual(['no worker serves: another is being started']);
  await supervised.replaced(second);
  expect(health.obstacles()).toEqual([]);
});
