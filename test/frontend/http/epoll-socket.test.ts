/** Connections through system calls of our own: what Node would otherwise see to. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TrackerProcess } from '../../support/tracker-process.ts';
import { COMPACT_BODY, get, ok, QUERY, RawClient, roundTrip, type Served, serve } from './support.ts';

const REQUEST = get(`/announce?${QUERY}`);
const LAST = get(`/announce?${QUERY}`, 'Connection: close');

const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe.skipIf(process.platform !== 'linux')('HTTP by epoll', () => {
  async function start(options: Record<string, unknown> = {}): Promise<Served> {
    const served = await serve({ socket: 'epoll', enable_keepalive: true, ...options });
    onTestFinished(() => served.frontend.stop());
    return served;
  }

  test('a client that reads late gets every answer, and then the end', async () => {
    const served = await start({ max_numwant: 2000 });
    served.logic.peers = Array(2000).fill('192.0.2.1');
    const client = await RawClient.tcp(served.port);
    client.socket.pause();
    client.write(REQUEST.repeat(499) + LAST);
    // More than the system's buffers take: the rest waits for the client.
    await expect.poll(() => client.socket.bytesWritten).toBe(499 * REQUEST.length + LAST.length);
    let calls = -1;
    while (served.logic.calls.length > calls) {
      calls = served.logic.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(calls).toBeLessThan(1000);
    client.socket.resume();
    const text = await client.end();
    const body = `d8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e5:peers12000:${'\xc0\x00\x02\x01\x1a\xe1'.repeat(2000)}e`;
    expect(text === ok(body).repeat(499) + ok(body, 'close')).toBe(true);
    expect(served.logic.calls).toHaveLength(1000);
  });

  test('more requests at once than it receives at once, cut wherever that falls', async () => {
    const served = await start();
    const client = await RawClient.tcp(served.port);
    client.write(REQUEST.repeat(3000) + LAST);
    expect((await client.end()) === ok(COMPACT_BODY).repeat(3000) + ok(COMPACT_BODY, 'close')).toBe(true);
  });

  test('requests, then the end, while an earlier one waits', async () => {
    const served = await start();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    served.logic.onAnnounce = () => (served.logic.calls.length === 1 ? released : undefined);
    const client = await RawClient.tcp(served.port);
    client.write(REQUEST);
    await expect.poll(() => served.logic.calls).toEqual(['handle']);
    client.write(REQUEST + REQUEST);
    client.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(served.logic.calls).toEqual(['handle']);
    release();
    expect((await client.end()).replace('Connection: close\r\n', '')).toBe(ok(COMPACT_BODY).repeat(3));
  });

  test('thousands of connections that are opened and reset leave nothing open', async () => {
    const served = await start();
    expect(await roundTrip(served.port, LAST)).toBe(ok(COMPACT_BODY, 'close'));
    const before = openDescriptors();
    // Some wait, and learn only from the system that their client is gone.
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    served.logic.onAnnounce = (request) => (request.peer.port === 7 ? released : undefined);
    const waiting = get(`/announce?${QUERY.replace('port=6881', 'port=7')}`);
    const what = [
      '',
      REQUEST.slice(0, 60),
      REQUEST,
      REQUEST.repeat(30),
      waiting + REQUEST,
      'no HTTP\r\n\r\n',
    ];
    for (let turn = 0; turn < 20; turn++) {
      const clients = await Promise.all(Array.from({ length: 150 }, () => RawClient.tcp(served.port)));
      for (const [i, client] of clients.entries()) {
        client.write(what[i % what.length] as string);
        if (i % 2 === 0) client.socket.resetAndDestroy();
        else client.socket.once('drain', () => client.socket.resetAndDestroy());
      }
      await new Promise((resolve) => setImmediate(resolve));
      for (const client of clients) client.socket.resetAndDestroy();
      await Promise.all(clients.map(({ closed }) => closed));
    }
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
    const open = served.metrics.find(({ name }) => name === 'chihaya_http_connections');
    expect(open?.collect()[0]?.value).toBe(0);
    expect(await roundTrip(served.port, LAST)).toBe(ok(COMPACT_BODY, 'close'));
    release();
  });

  test('a frontend that has stopped has nothing open', async () => {
    const before = openDescriptors();
    for (let i = 0; i < 3; i++) {
      const served = await serve({ socket: 'epoll' });
      expect(await roundTrip(served.port, REQUEST)).toBe(ok(COMPACT_BODY, 'close'));
      await served.frontend.stop();
    }
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before);
  });

  test.each([
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1', '::1'],
    ['', '127.0.0.1', '127.0.0.1'],
    ['', '::1', '::1'],
  ])('bound to "%s", asked from %s: the client is %s', async (host, from, address) => {
    const served = await start({ addr: `${host}:0` });
    const seen: string[] = [];
    served.logic.onAnnounce = (request) => void seen.push(request.peer.address);
    for (let i = 0; i < 2; i++) {
      const client = await RawClient.tcp(served.port, from);
      client.write(LAST);
      await client.end();
    }
    expect(seen).toEqual([address, address]);
  });

  test.skipIf(spawnSync('prlimit', ['--version']).error)(
    'without descriptors left it says so, rests, and goes on when there are some',
    async () => {
      const tracker = await TrackerProcess.start({
        workers: 1,
        // The few that are accepted say nothing for more than a second.
        http: { addr: '127.0.0.1:0', socket: 'epoll', enable_keepalive: true, read_timeout: '60s' },
      });
      onTestFinished(() => tracker.stop());
      const { pid } = tracker.process;
      const port = Number(tracker.address('http').port);
      const first = await RawClient.tcp(port);
      first.write(REQUEST);
      await first.answers(1);
      // Room for four more: the system gives the lowest number that is free.
      const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
      let limit = 0;
      for (let free = 0; free < 4; limit++) if (!taken.has(limit)) free++;
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}`]);
      const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.tcp(port)));
      await tracker.process.waitFor(/cannot accept connections/, 10_000);
      expect(tracker.problems()[0]).toMatchObject({
        level: 'error',
        msg: 'cannot accept connections',
        scheme: 'http',
        err: { message: 'accept: EMFILE: too many open files' },
      });
      // A second of it takes little of the processor, and those that are there are served.
      const before = processorTicks(pid);
      for (let i = 2; i <= 6; i++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        first.write(REQUEST);
        await first.answers(i);
      }
      expect(processorTicks(pid) - before).toBeLessThan(30);
      for (const client of clients) client.write(LAST);
      // Each that is answered makes room for another.
      await Promise.all(clients.map((client) => client.end()));
      for (const client of clients) expect(client.text).toContain('8:interval');
      first.close();
    },
  );
});

/** Hundredths of a second. */
function processorTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
