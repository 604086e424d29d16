/** A tracker of one thread that goes on with other options: what its parts see of that. In a process: test/cli. */

import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  AddressFamily,
  ConfigError,
  createTracker,
  defineHook,
  type Hook,
  Infohash,
  reloadTracker,
  type SourceDependencies,
  SwarmCounts,
  type Tracker,
  type TrackerOptions,
} from '../../src/index.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { UdpClient } from '../support/udp-client.ts';

const HTTP = { addr: '127.0.0.1:0' };

/** A hook that notes what becomes of it, and can be told to wait, to fail or to share. */
function noting() {
  const events: string[] = [];
  const gates = new Map<string, Promise<void>>();
  const published: ((value: string) => void)[] = [];
  const driver = defineHook({
    name: 'noting',
    summary: 'For a test.',
    options: z.strictObject({ id: z.string(), fails: z.string().default('') }),
    share({ id, fails }, { publish }: SourceDependencies<string>) {
      if (fails === 'share') throw new Error('no list');
      published.push(publish);
      return { value: `list of ${id}`, stop: () => void events.push(`${id} source stopped`) };
    },
    create({ id, fails }, { metrics, shared }): Hook {
      events.push(`${id} made`);
      if (fails === 'create') throw new Error('no keys');
      let announces = 0;
      metrics.register({
        name: 'test_announces_total',
        help: 'For a test.',
        type: 'counter',
        collect: () => [{ labels: {}, value: announces }],
      });
      return {
        handleAnnounce() {
          announces++;
          events.push(`${id} asked, with ${shared.value}`);
          return gates.get(id);
        },
        handleScrape() {},
        stop: () => void events.push(`${id} stopped`),
      };
    },
  });
  const hook = (id: string, fails = '') => [{ name: 'noting', options: { id, fails } }];
  return { events, gates, published, driver, hook };
}

async function start(options: TrackerOptions, driver?: ReturnType<typeof noting>['driver']) {
  const logger = new MemoryLogger();
  const embedding = { logger, ...(driver ? { hookDrivers: [driver] } : {}) };
  const tracker = await createTracker(options, embedding);
  onTestFinished(() => tracker.stop());
  const reload = (next: TrackerOptions) => reloadTracker(tracker, next, embedding);
  return { tracker, logger, reload };
}

function port(tracker: Tracker, protocol = 'http'): number {
  return tracker.addresses.find((address) => address.protocol === protocol)?.port as number;
}

async function announce(tracker: Tracker): Promise<string> {
  const query = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}&port=6881&uploaded=0&downloaded=0&left=1`;
  return (await fetch(`http://127.0.0.1:${port(tracker)}/announce?${query}`)).text();
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function metric(tracker: Tracker, line: string): Promise<number | undefined> {
  const found = (await tracker.metrics()).split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
}

describe('hooks', () => {
  test('are made anew before the old ones stop, which first end what they began', async () => {
    const { driver, events, gates, hook } = noting();
    const slow = gate();
    gates.set('one', slow.opened);
    const { tracker, reload } = await start({ http: HTTP, prehooks: hook('one') }, driver);
    const first = announce(tracker);
    await expect.poll(() => events.at(-1)).toBe('one asked, with list of one');

    await reload({ http: HTTP, prehooks: hook('two') });
    expect(await announce(tracker)).toContain('8:interval');
    expect(events.slice(2)).toEqual(['two made', 'two asked, with list of two']);
    slow.open();
    expect(await first).toContain('8:interval');
    await expect.poll(() => events.slice(4)).toEqual(['one stopped', 'one source stopped']);
    // Nobody's counters are lost.
    expect(await metric(tracker, 'test_announces_total')).toBe(2);
    await tracker.stop();
    expect(events.slice(6)).toEqual(['two stopped', 'two source stopped']);
  });

  test('share values within their configuration only', async () => {
    const { driver, events, gates, published, hook } = noting();
    const slow = gate();
    gates.set('one', slow.opened);
    const { tracker, reload } = await start({ http: HTTP, prehooks: hook('one') }, driver);
    const first = announce(tracker);
    await expect.poll(() => events.length).toBe(2);
    await reload({ http: HTTP, prehooks: hook('two') });
    published[0]?.('news for one');
    published[1]?.('news for two');
    await announce(tracker);
    expect(events.at(-1)).toBe('two asked, with news for two');
    slow.open();
    await first;
  });

  test.each([
    ['share', 'noting: no list'],
    ['create', 'noting: no keys'],
  ])('one that cannot be made (%s) leaves everything as it was', async (fails, message) => {
    const { driver, events, hook } = noting();
    const { tracker, logger, reload } = await start({ http: HTTP, prehooks: hook('one') }, driver);
    const before = tracker.addresses;
    const next = {
      announce_interval: '1m',
      metrics_addr: '127.0.0.1:0',
      http: { addr: '127.0.0.2:0' },
      prehooks: [...hook('two'), ...hook('three', fails)],
    };
    await expect(reload(next)).rejects.toThrow(message);
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        message: `the configuration was not reloaded, and the one before stays: ${message}`,
        fields: {},
      },
    ]);
    expect(events.filter((event) => event.startsWith('two'))).toEqual(
      fails === 'share' ? ['two source stopped'] : ['two made', 'two stopped', 'two source stopped'],
    );
    expect(tracker.addresses).toEqual(before);
    expect(tracker.metricsAddress).toBeUndefined();
    expect(await announce(tracker)).toContain('8:intervali1800e');
    expect(events.at(-1)).toBe('one asked, with list of one');
    expect(await metric(tracker, 'chihaya_reloads_total{result="failure"}')).toBe(1);
  });
});

describe('the configuration', () => {
  test('with mistakes leaves everything as it was, and all of them are told', async () => {
    const { tracker, logger, reload } = await start({ http: HTTP });
    const next = { announce_interval: 'soon', http: { addr: 'nowhere' } } as TrackerOptions;
    await expect(reload(next)).rejects.toThrow(ConfigError);
    expect(logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'announce_interval: expected a duration such as 30m or 500ms, found "soon"',
      'http.addr: expected an address such as 0.0.0.0:6969, :6969 or [::1]:6969, found "nowhere"',
      'the configuration was not reloaded, and the one before stays: 2 mistakes in the configuration',
    ]);
    expect(await announce(tracker)).toContain('8:intervali1800e');
  });

  test('takes effect: intervals, limits of the store, and peers stay', async () => {
    const { tracker, reload } = await start({ http: HTTP });
    await announce(tracker);
    await reload({ http: HTTP, announce_interval: '7m', storage: { config: { max_swarms: 1 } } });
    expect(await announce(tracker)).toContain('8:intervali420e');
    const counts = new SwarmCounts();
    await tracker.store.scrapeSwarm(Infohash.fromHex('61'.repeat(20)), AddressFamily.IPv4, counts);
    expect(counts.incomplete).toBe(1);
    expect(await metric(tracker, 'chihaya_storage_refused_total{limit="swarms"}')).toBe(0);
  });

  test('tells what stays', async () => {
    const { logger, reload } = await start({ http: HTTP });
    await reload({ http: HTTP, workers: 2, storage: { config: { shard_count: 2 } } });
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'workers cannot change while the tracker runs: 1 stays until the next start',
      'storage.config.shard_count cannot change while the tracker runs: 1024 stays until the next start',
    ]);
  });
});

describe('frontends', () => {
  test('come, go and come again, and what they counted stays', async () => {
    const { tracker, reload } = await start({ http: HTTP });
    await announce(tracker);
    await reload({ http: HTTP, udp: { addr: '127.0.0.1:0', private_key: 'secret' } });
    expect(tracker.addresses.map(({ protocol }) => protocol)).toEqual(['http', 'udp']);
    const client = await UdpClient.open(port(tracker, 'udp'));
    await client.connect();
    await client.close();

    await reload({ http: HTTP });
    const connects =
      'chihaya_udp_response_duration_milliseconds_count{action="connect",address_family="IPv4",error=""}';
    expect(await metric(tracker, connects)).toBe(1);
    await reload({ udp: { addr: '127.0.0.1:0', private_key: 'secret' } });
    expect(tracker.addresses.map(({ protocol }) => protocol)).toEqual(['udp']);
    const again = await UdpClient.open(port(tracker, 'udp'));
    await again.connect();
    await again.close();
    expect(await metric(tracker, connects)).toBe(2);
    await expect.poll(() => metric(tracker, 'chihaya_http_requests_total{scheme="http"}')).toBe(1);
  });

  test('one that is gone answers what is under way', async () => {
    const { driver, events, gates, hook } = noting();
    const slow = gate();
    gates.set('one', slow.opened);
    const { tracker, reload } = await start({ http: HTTP, prehooks: hook('one') }, driver);
    const answer = announce(tracker);
    await expect.poll(() => events.length).toBe(2);
    await reload({ udp: { addr: '127.0.0.1:0', private_key: 'secret' } });
    expect(events).not.toContain('one stopped');
    slow.open();
    expect(await answer).toContain('8:interval');
    await expect.poll(() => events.at(-1)).toBe('one source stopped');
  });

  test('an address that is taken leaves everything as it was', async () => {
    const other = await start({ http: HTTP });
    const { tracker, reload } = await start({ http: HTTP, metrics_addr: '127.0.0.1:0' });
    const before = tracker.metricsAddress;
    const taken = `127.0.0.1:${port(other.tracker)}`;
    await expect(reload({ http: { addr: taken } })).rejects.toThrow(`http: cannot listen on ${taken}`);
    await expect(reload({ http: HTTP, metrics_addr: taken })).rejects.toThrow(`metrics_addr: ${taken}`);
    expect(tracker.metricsAddress).toEqual(before);
    expect(await announce(tracker)).toContain('8:interval');
  });
});

test('the metrics server moves, and is there before and after', async () => {
  const { tracker, reload } = await start({ metrics_addr: '127.0.0.1:0' });
  const url = () => `http://${tracker.metricsAddress?.host}:${tracker.metricsAddress?.port}/metrics`;
  const first = url();
  await reload({ metrics_addr: '127.0.0.1:0' });
  expect(url()).toBe(first);
  await reload({ metrics_addr: '127.0.0.2:0' });
  expect(url()).toContain('127.0.0.2');
  expect(await (await fetch(url())).text()).toContain('chihaya_reloads_total{result="success"} 2');
  await expect(fetch(first)).rejects.toThrow();
  await reload({});
  expect(tracker.metricsAddress).toBeUndefined();
});

describe('a stop', () => {
  test('during a reload waits for it, and nothing of either is left', async () => {
    const { driver, events, hook } = noting();
    const { tracker, reload } = await start({ http: HTTP, prehooks: hook('one') }, driver);
    const reloaded = reload({ http: HTTP, prehooks: hook('two') });
    const stopped = tracker.stop();
    await expect(reloaded).rejects.toThrow('it is stopping');
    await stopped;
    expect(events.toSorted()).toEqual([
      'one made',
      'one source stopped',
      'one stopped',
      'two made',
      'two source stopped',
      'two stopped',
    ]);
  });

  test('cuts off what takes longer than shutdown_timeout, tells so, and frees the port', async () => {
    const { driver, events, gates, hook } = noting();
    gates.set('one', new Promise(() => {}));
    const options = { http: HTTP, prehooks: hook('one'), shutdown_timeout: '50ms' };
    const { tracker, logger } = await start(options, driver);
    const answer = announce(tracker);
    answer.catch(() => {});
    await expect.poll(() => events.length).toBe(2);
    const at = port(tracker);
    await tracker.stop();
    await expect(answer).rejects.toThrow('fetch failed');
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'what was under way did not end within shutdown_timeout: cut off',
    ]);
    expect(events.slice(2)).toEqual(['one stopped', 'one source stopped']);
    await expect(
      new Promise((resolve, reject) => connect(at, '127.0.0.1', () => resolve('open')).on('error', reject)),
    ).rejects.toThrow('ECONNREFUSED');
  });

  test('waits no longer for hooks that do not stop', async () => {
    const driver = defineHook({
      name: 'noting',
      summary: 'For a test.',
      options: z.strictObject({}),
      share: () => ({ value: '', stop: () => new Promise<void>(() => {}) }),
      create: () => ({
        handleAnnounce() {},
        handleScrape() {},
        stop: () => new Promise<void>(() => {}),
      }),
    });
    const options = { http: HTTP, prehooks: [{ name: 'noting' }], shutdown_timeout: '10ms' };
    const { tracker, logger } = await start(options, driver as never);
    await tracker.stop();
    expect(logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'a hook that was told to stop did not end within shutdown_timeout: cut off',
      'the source of what hooks share did not end within shutdown_timeout: cut off',
    ]);
  });
});
