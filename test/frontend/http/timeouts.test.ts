/** Slow and silent clients, many of them, and the stop. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import {
  COMPACT_BODY,
  get,
  nextRound,
  ok,
  QUERY,
  RawClient,
  roundTrip,
  type Served,
  serve,
  withoutDate,
} from './support.ts';

let served: Served;
afterEach(() => served.frontend.stop());

const REQUEST = get(`/announce?${QUERY}`);

function sample(name: string, labels: Record<string, string>): number | undefined {
  const metric = served.metrics.find((candidate) => candidate.name === name);
  return metric
    ?.collect()
    .find((candidate) => Object.entries(labels).every(([key, value]) => candidate.labels[key] === value))
    ?.value;
}

const cutOff = (timeout: string) => sample('chihaya_http_timeouts_total', { timeout });

/** Milliseconds until the server has closed. */
async function lifetime(client: RawClient): Promise<number> {
  const start = performance.now();
  await client.closed;
  return performance.now() - start;
}

describe('read_timeout', () => {
  test('a client that says nothing', async () => {
    served = await serve({ read_timeout: '200ms' });
    const client = await RawClient.tcp(served.port);
    const milliseconds = await lifetime(client);
    expect(milliseconds).toBeGreaterThan(150);
    expect(milliseconds).toBeLessThan(1500);
    expect(client.text).toBe('');
    await expect.poll(() => cutOff('read')).toBe(1);
  });

  test('a client that drips a byte now and then', async () => {
    served = await serve({ read_timeout: '300ms', idle_timeout: '10s', enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    // It counts from the first byte of the second request as it does from the connection for the first.
    client.write(REQUEST);
    await client.answers(1);
    let dripped = 0;
    const timer = setInterval(() => client.write(REQUEST[dripped++ % 100] as string), 20);
    const milliseconds = await lifetime(client);
    clearInterval(timer);
    expect(milliseconds).toBeGreaterThan(250);
    expect(milliseconds).toBeLessThan(1500);
    expect(dripped).toBeGreaterThan(5);
    expect(client.text).toBe(ok(COMPACT_BODY));
    await expect.poll(() => cutOff('read')).toBe(1);
  });

  test('a hook that takes longer is none of its business', async () => {
    served = await serve({ read_timeout: '50ms', write_timeout: '50ms', idle_timeout: '50ms' });
    served.logic.onAnnounce = () => new Promise((resolve) => setTimeout(resolve, 400));
    expect(await roundTrip(served.port, REQUEST)).toBe(ok(COMPACT_BODY, 'close'));
  });
});

describe('idle_timeout', () => {
  test('a connection that waits for its next request', async () => {
    served = await serve({ read_timeout: '50ms', idle_timeout: '300ms', enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    client.write(REQUEST);
    await client.answers(1);
    const milliseconds = await lifetime(client);
    expect(milliseconds).toBeGreaterThan(250);
    expect(milliseconds).toBeLessThan(1500);
    await expect.poll(() => cutOff('idle')).toBe(1);
    expect(cutOff('read')).toBe(0);
  });
});

describe('write_timeout', () => {
  test('a client that asks and asks and never reads', async () => {
    served = await serve({ write_timeout: '300ms', enable_keepalive: true, max_numwant: 2000 });
    served.logic.peers = Array(2000).fill('192.0.2.1');
    const socket = connect({ port: served.port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.pause();
    const closed = expect.poll(() => cutOff('write')).toBe(1);
    socket.write(REQUEST.repeat(20_000));
    await closed;
    await expect.poll(() => sample('chihaya_http_connections', { scheme: 'http' })).toBe(0);
    // It was left waiting long before all was answered.
    expect(served.logic.calls.length).toBeLessThan(20_000);
    socket.destroy();
  });

  test('a client that reads slowly, but reads, gets every answer', async () => {
    served = await serve({ enable_keepalive: true, max_numwant: 2000 });
    served.logic.peers = Array(2000).fill('192.0.2.1');
    const client = await RawClient.tcp(served.port);
    client.write(REQUEST.repeat(1000));
    for (let i = 0; i < 20; i++) {
      client.socket.pause();
      await nextRound();
      client.socket.resume();
      await nextRound();
    }
    const expected = ok(
      `d8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e5:peers12000:${'\xc0\x00\x02\x01\x1a\xe1'.repeat(2000)}e`,
    );
    const length = expected.length + 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n'.length;
    await expect.poll(() => client.received.length).toBe(1000 * length);
    expect(client.text === expected.repeat(1000)).toBe(true);
    client.close();
  });
});

test('10,000 idle connections are kept, others are served, and all are closed by a stop', async () => {
  served = await serve({ enable_keepalive: true, idle_timeout: '60s', read_timeout: '60s' });
  const idle: RawClient[] = [];
  // Each takes two descriptors of this process; fewer fit where it may open fewer.
  const { openFiles } = limits();
  const count = Math.min(10_000, Math.floor((openFiles - 500) / 2));
  for (let at = 0; at < count; at += 500) {
    const batch = Array.from({ length: Math.min(500, count - at) }, () => RawClient.tcp(served.port));
    idle.push(...(await Promise.all(batch)));
  }
  expect(idle.length).toBe(count);
  expect(count).toBeGreaterThanOrEqual(250);
  await expect.poll(() => sample('chihaya_http_connections', { scheme: 'http' })).toBe(count);

  const client = await RawClient.tcp(served.port);
  for (let i = 1; i <= 200; i++) {
    client.write(REQUEST);
    await client.answers(i);
  }
  expect(client.text).toBe(ok(COMPACT_BODY).repeat(200));
  // Those that were idle are served, too.
  for (const each of idle.slice(-100)) {
    each.write(REQUEST);
    expect(await each.answers(1)).toBe(ok(COMPACT_BODY));
  }

  await served.frontend.stop();
  await Promise.all(idle.map((each) => each.closed));
  await client.closed;
}, 60_000);

/** What this process may open. */
function limits(): { openFiles: number } {
  const report = process.report?.getReport() as unknown as
    | { userLimits: { open_files: { soft: number | 'unlimited' } } }
    | undefined;
  const soft = report?.userLimits.open_files.soft ?? 1024;
  return { openFiles: soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : soft };
}

describe('stop', () => {
  test('idle connections close at once, new ones are refused', async () => {
    served = await serve({ enable_keepalive: true, idle_timeout: '60s', read_timeout: '60s' });
    const used = await RawClient.tcp(served.port);
    used.write(REQUEST);
    await used.answers(1);
    const fresh = await RawClient.tcp(served.port);
    await served.frontend.stop();
    await Promise.all([used.closed, fresh.closed]);
    await expect(RawClient.tcp(served.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('connections and requests that the system has received, but nobody has accepted, are answered', async () => {
    served = await serve({ enable_keepalive: true });
    // In a thread of their own, so that this one, which serves, can be kept from it.
    const sent = new Int32Array(new SharedArrayBuffer(4));
    const code = `
      const { parentPort, workerData: { port, request, count, sent } } = require('node:worker_threads');
      const answers = Array.from({ length: count }, () => new Promise((resolve) => {
        const socket = require('node:net').connect(port, '127.0.0.1');
        let answer = '';
        socket.setEncoding('latin1').on('data', (text) => { answer += text; }).on('error', () => {});
        socket.on('close', () => resolve(answer));
        socket.write(request, () => {
          if (Atomics.add(sent, 0, 1) === count - 1) Atomics.notify(sent, 0);
        });
      }));
      Promise.all(answers).then((all) => parentPort.postMessage(all));`;
    const clients = new Worker(code, {
      eval: true,
      workerData: { port: served.port, request: REQUEST, count: 100, sent },
    });
    const answered = once(clients, 'message');
    for (let count = 0; count < 100; count = Atomics.load(sent, 0)) Atomics.wait(sent, 0, count, 10_000);
    expect(sample('chihaya_http_connections', { scheme: 'http' })).toBe(0);
    const stop = served.frontend.stop();
    const [answers] = await answered;
    expect(answers.map(withoutDate)).toEqual(Array(100).fill(ok(COMPACT_BODY, 'close')));
    await stop;
  });

  test('a request that waits is answered, the ones behind it are not, and the connection closes', async () => {
    served = await serve({ enable_keepalive: true });
    let release = () => {};
    served.logic.onAnnounce = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const client = await RawClient.tcp(served.port);
    client.write(REQUEST + REQUEST);
    await expect.poll(() => served.logic.calls).toEqual(['handle']);
    const stop = served.frontend.stop();
    await nextRound();
    release();
    expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
    await stop;
    expect(served.logic.calls).toEqual(['handle', 'after']);
  });

  test('half a head has the read timeout to become a whole one', async () => {
    served = await serve({ enable_keepalive: true, read_timeout: '2s' });
    const [quick, slow] = [await RawClient.tcp(served.port), await RawClient.tcp(served.port)];
    quick.write(REQUEST.slice(0, 50));
    slow.write(REQUEST.slice(0, 50));
    await nextRound();
    const stop = served.frontend.stop();
    await nextRound();
    quick.write(REQUEST.slice(50));
    expect(await quick.end()).toBe(ok(COMPACT_BODY, 'close'));
    expect(await slow.end()).toBe('');
    await stop;
  });
});
