/** The tracker as a part of another program: built, asked, and taken down. */

import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  AddressFamily,
  ClientError,
  ConfigError,
  createTracker,
  defineHook,
  defineStorageDriver,
  type Embedding,
  type Hook,
  Infohash,
  type PeerStore,
  resourceDoesNotExist,
  SwarmCounts,
  type Tracker,
  type TrackerOptions,
} from '../../src/index.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { reservePort } from '../support/reserved-port.ts';

const BOTH: TrackerOptions = { http: { addr: '127.0.0.1:0' }, udp: { addr: '127.0.0.1:0' } };

async function start(options: TrackerOptions, embedding?: Embedding): Promise<Tracker> {
  const tracker = await createTracker(options, embedding);
  onTestFinished(() => tracker.stop());
  return tracker;
}

function announceUrl(tracker: Tracker, left = 100): string {
  const { host, port } = tracker.addresses.find(({ protocol }) => protocol === 'http') as {
    host: string;
    port: number;
  };
  return `http://${host}:${port}/announce?info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=6881&uploaded=0&downloaded=0&compact=1&left=${left}`;
}

async function announce(tracker: Tracker): Promise<string> {
  return (await fetch(announceUrl(tracker))).text();
}

/** A hook driver whose hook is made by `create`, and which takes any options. */
function hookDriver(name: string, create: () => Hook | Promise<Hook>) {
  return defineHook({ name, summary: 'For a test.', options: z.object({}), create });
}

function promiseWithResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}

describe('a running tracker', () => {
  test('serves, and its store and metrics can be read', async () => {
    const tracker = await start({ ...BOTH, metrics_addr: '127.0.0.1:0', announce_interval: '10m' });
    expect(tracker.addresses.map(({ protocol }) => protocol)).toEqual(['http', 'udp']);
    expect(await announce(tracker)).toContain('8:intervali600e12:min intervali900e');

    const counts = new SwarmCounts();
    await tracker.store.scrapeSwarm(Infohash.fromHex('61'.repeat(20)), AddressFamily.IPv4, counts);
    expect(counts.incomplete).toBe(1);

    const line = /^chihaya_http_response_duration_milliseconds_count\{.*\} 1$/m;
    expect(await tracker.metrics()).toMatch(line);
    const { host, port } = tracker.metricsAddress as { host: string; port: number };
    expect(await (await fetch(`http://${host}:${port}/metrics`)).text()).toMatch(line);
  });

  test('stops once, however often it is asked, and its ports are free', async () => {
    const tracker = await createTracker({ ...BOTH, metrics_addr: '127.0.0.1:0' });
    const stopped = tracker.stop();
    expect(tracker.stop()).toBe(stopped);
    await stopped;
    const port = (protocol: string) =>
      tracker.addresses.find((address) => address.protocol === protocol)?.port;
    const again = await createTracker({
      metrics_addr: `127.0.0.1:${tracker.metricsAddress?.port}`,
      http: { addr: `127.0.0.1:${port('http')}` },
      udp: { addr: `127.0.0.1:${port('udp')}` },
    });
    await again.stop();
  });

  test('shares nothing with another one in the process', async () => {
    const [first, second] = [await start(BOTH), await start(BOTH)];
    await announce(first);
    expect(await first.metrics()).toContain('response_duration_milliseconds_count{');
    expect(await second.metrics()).not.toContain('response_duration_milliseconds_count{');
    expect(await second.metrics()).toContain('process_resident_memory_bytes');
  });

  test('without a frontend says that nobody is answered', async () => {
    const logger = new MemoryLogger();
    const tracker = await start({}, { logger });
    expect(tracker.addresses).toEqual([]);
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'no frontend is configured: nobody will be answered',
    ]);
  });

  test('tells what fell back to its default', async () => {
    const logger = new MemoryLogger();
    await start({ http: { addr: '127.0.0.1:0', max_numwant: 0 } }, { logger });
    expect(logger.lines).toContainEqual({
      level: 'warn',
      message: 'http.max_numwant: expected more than zero, found 0: the default 100 is used',
      fields: {},
    });
  });
});

describe("an embedder's own parts", () => {
  test('hooks, with options, run before and after the answer', async () => {
    const refused = new ClientError('not today');
    const seen: string[] = [];
    const driver = defineHook({
      name: 'mine',
      summary: 'For a test.',
      options: z.strictObject({ refuse: z.boolean() }),
      create: ({ refuse }) => ({
        handleAnnounce(_context, request) {
          seen.push(request.infohash.hex);
          if (refuse) throw refused;
        },
        handleScrape() {},
      }),
    });
    const open = await start(
      { ...BOTH, posthooks: [{ name: 'mine', options: { refuse: false } }] },
      { hookDrivers: [driver] },
    );
    expect(await announce(open)).toContain('8:interval');
    expect(seen).toEqual(['61'.repeat(20)]);

    const closed = await start(
      { ...BOTH, prehooks: [{ name: 'mine', options: { refuse: true } }] },
      { hookDrivers: [driver] },
    );
    expect(await announce(closed)).toBe('d14:failure reason9:not todaye');
    expect(seen).toHaveLength(2);
  });

  test('a wrong option of theirs is told like any other', async () => {
    const driver = defineHook({
      name: 'mine',
      summary: 'For a test.',
      options: z.strictObject({ limit: z.number() }),
      create: () => ({ handleAnnounce() {}, handleScrape() {} }),
    });
    const promise = createTracker(
      { prehooks: [{ name: 'mine', options: { limit: 'x', limt: 1 } }] },
      { hookDrivers: [driver] },
    );
    await expect(promise).rejects.toThrow(ConfigError);
    await expect(promise).rejects.toThrow(
      'prehooks[0].options.limit: expected a number, found "x"\n' +
        'prehooks[0].options.limt: expected a known key, found "limt"; did you mean "limit"?',
    );
  });

  test('a store', async () => {
    const calls: string[] = [];
    const store = {
      putSeeder: () => {},
      putLeecher: () => void calls.push('putLeecher'),
      deleteSeeder: () => resourceDoesNotExist,
      deleteLeecher: () => resourceDoesNotExist,
      graduateLeecher: () => {},
      announcePeers: async () => {
        calls.push('announcePeers');
        return true;
      },
      scrapeSwarm: () => {},
      collectGarbage: async () => {},
      totals: () => ({ infohashes: 0, seeders: 0, leechers: 0 }),
      stop: async () => void calls.push('stop'),
    } satisfies PeerStore;
    const driver = defineStorageDriver({
      name: 'mine',
      summary: 'For a test.',
      options: z.strictObject({}),
      open: async () => store,
    });
    const tracker = await start({ ...BOTH, storage: { name: 'mine' } }, { storageDrivers: [driver] });
    expect(tracker.store).toBe(store);
    expect(await announce(tracker)).toContain('8:interval');
    await tracker.stop();
    expect(calls).toEqual(['announcePeers', 'putLeecher', 'stop']);
  });
});

describe('the order of things', () => {
  test('a stop answers what is under way, runs PostHooks, then stops hooks and store', async () => {
    const events: string[] = [];
    const arrived = promiseWithResolver();
    const gate = promiseWithResolver();
    const before = hookDriver('before', () => ({
      async handleAnnounce() {
        arrived.resolve();
        await gate.promise;
      },
      handleScrape() {},
      stop: () => void events.push('before stopped'),
    }));
    const after = hookDriver('after', () => ({
      handleAnnounce: () => void events.push('after ran'),
      handleScrape() {},
      stop: () => void events.push('after stopped'),
    }));
    const tracker = await start(
      { ...BOTH, prehooks: [{ name: 'before' }], posthooks: [{ name: 'after' }] },
      { hookDrivers: [before, after] },
    );
    const stopStore = tracker.store.stop.bind(tracker.store);
    tracker.store.stop = async () => {
      events.push('store stopped');
      await stopStore();
    };

    const answer = announce(tracker);
    await arrived.promise;
    const stopped = tracker.stop();
    gate.resolve();
    expect(await answer).toContain('8:interval');
    await stopped;
    expect(events).toEqual(['after ran', 'before stopped', 'after stopped', 'store stopped']);
  });

  test('a part that cannot be opened closes those before it', async () => {
    const events: string[] = [];
    const noted = hookDriver('noted', () => ({
      handleAnnounce() {},
      handleScrape() {},
      stop: () => void events.push('hook stopped'),
    }));
    const logger = new MemoryLogger();

    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const { port: metricsPort, release } = await reservePort();
    onTestFinished(release);

    const options = {
      metrics_addr: `127.0.0.1:${metricsPort}`,
      http: { addr: `127.0.0.1:${port}` },
      prehooks: [{ name: 'noted' }],
    };
    await expect(createTracker(options, { hookDrivers: [noted], logger })).rejects.toThrow(
      /^http: .*EADDRINUSE/,
    );
    expect(events).toEqual(['hook stopped']);
    await new Promise((resolve) => taken.close(resolve));

    // Every port is free again, that of the metrics too.
    const tracker = await createTracker(options, { hookDrivers: [noted] });
    await tracker.stop();
  });

  test('a hook that cannot be made stops those that were', async () => {
    const events: string[] = [];
    const made = hookDriver('made', () => ({
      handleAnnounce() {},
      handleScrape() {},
      stop: () => void events.push('stopped'),
    }));
    const broken = hookDriver('broken', () => Promise.reject(new Error('no keys')));
    await expect(
      createTracker({ prehooks: [{ name: 'made' }, { name: 'broken' }] }, { hookDrivers: [made, broken] }),
    ).rejects.toThrow('broken: no keys');
    expect(events).toEqual(['stopped']);
  });
});
