/** Snapshots as operators have them: the built tracker, stopped, killed and started again. */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { someInfohash, somePeerId } from '../support/requests.ts';
import { saveTo, someDirectory, someStore } from '../support/snapshots.ts';
import { peer } from '../support/store-calls.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';
import { until } from '../support/until.ts';
import { chihaya } from './chihaya.ts';

const SERVERS = {
  metrics_addr: '127.0.0.1:0',
  http: { addr: '127.0.0.1:0', allow_ip_spoofing: true },
  udp: { addr: '127.0.0.1:0', private_key: 'kept over a restart' },
};

/** Several workers need Linux. */
const SEVERAL = process.platform === 'linux' ? 3 : 1;

async function start(path: string, workers: number, options: object = {}): Promise<TrackerProcess> {
  const storage = { name: 'memory', config: { snapshot_path: path, ...options } };
  const tracker = await TrackerProcess.start({ ...SERVERS, workers, storage });
  onTestFinished(() => tracker.stop());
  return tracker;
}

/** Peer `n` says over HTTP that it has come, or that it has all. */
async function announce(tracker: TrackerProcess, n: number, event: 'started' | 'completed'): Promise<void> {
  const hash = [...someInfohash('http').bytes]
    .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('');
  const ip = n % 2 === 0 ? `203.0.113.${n}` : `2001:db8::${n}`;
  const query = `peer_id=${somePeerId(n)}&port=${6000 + n}&ip=${ip}&event=${event}&left=${event === 'started' ? 1 : 0}`;
  const url = `${tracker.address('http').href}announce?info_hash=${hash}&uploaded=0&downloaded=0&${query}`;
  expect(await (await fetch(url)).text()).toContain('8:interval');
}

/** One of several peers of the same address announces over UDP. Returns seeders, leechers and the peers' ports. */
async function announceUdp(
  tracker: TrackerProcess,
  n: number,
  event = 0,
): Promise<[number, number, number[]]> {
  const client = await UdpClient.open(Number(tracker.address('udp').port));
  const packet = announcePacket({
    connectionId: await client.connect(),
    infohash: someInfohash('udp').bytes,
    peerId: somePeerId(n),
    port: 7000 + n,
    left: event === 1 ? 0n : 1n,
    event,
  });
  const answer = await client.ask(packet);
  await client.close();
  const ports: number[] = [];
  for (let at = 20; at < answer.length; at += 6) ports.push(answer.readUInt16BE(at + 4));
  return [answer.readUInt32BE(16), answer.readUInt32BE(12), ports.toSorted()];
}

async function scrape(tracker: TrackerProcess): Promise<string> {
  const hash = [...someInfohash('http').bytes]
    .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('');
  const answer = await fetch(`${tracker.address('http').href}scrape?info_hash=${hash}`);
  return Buffer.from(await answer.arrayBuffer())
    .toString('latin1')
    .slice(-61);
}

async function metric(tracker: TrackerProcess, name: string): Promise<number> {
  const text = await (await fetch(tracker.metrics as string)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

function lines(tracker: TrackerProcess, message: string): Record<string, unknown>[] {
  return tracker.process.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === message);
}

test.each([
  [1, 1],
  [1, SEVERAL],
  [SEVERAL, SEVERAL],
  [SEVERAL, 1],
])('a restart from %d to %d workers keeps every peer', async (before, after) => {
  const path = join(await someDirectory(), 'snapshot');
  const first = await start(path, before, { shard_count: 8 });
  for (let n = 0; n < 20; n++) await announce(first, n, n < 10 ? 'completed' : 'started');
  for (let n = 0; n < 20; n++) await announceUdp(first, n, n < 5 ? 1 : 0);
  const told = await announceUdp(first, 30);
  expect(told).toEqual([5, 15, Array.from({ length: 20 }, (_, n) => 7000 + n)]);
  const scraped = await scrape(first);
  expect(scraped).toContain('8:completei5e10:downloadedi5e10:incompletei5e');
  await first.process.stop('SIGTERM', 20_000);
  expect(first.process.exitCode).toBe(0);
  expect(first.problems()).toEqual([]);
  expect(lines(first, 'wrote a snapshot')).toMatchObject([{ level: 'info', path, peers: 41 }]);

  const second = await start(path, after, { shard_count: 512 });
  expect(lines(second, 'read a snapshot')).toMatchObject([{ level: 'info', path, peers: 41, expired: 0 }]);
  expect(await scrape(second)).toBe(scraped);
  expect(await announceUdp(second, 31)).toEqual([5, 16, [...told[2], 7030]]);
  // Whose download has been counted is not counted again.
  await announce(second, 0, 'completed');
  expect(await scrape(second)).toBe(scraped);
  expect(second.problems()).toEqual([]);
  await expect.poll(() => metric(second, 'chihaya_storage_seeders_count')).toBe(15);
});

test('a restart leaves out whoever has not been heard of for peer_lifetime', async () => {
  const path = join(await someDirectory(), 'snapshot');
  const clock = new ManualClock(Date.now() - 3_600_000);
  const store = someStore(clock);
  for (let n = 0; n < 1000; n++) store.putSeeder(someInfohash(n % 10), peer(n));
  clock.advance(3_500_000);
  for (let n = 500; n < 700; n++) store.putLeecher(someInfohash(n % 10), peer(n));
  await saveTo(path, store, clock);
  const tracker = await start(path, 1, { peer_lifetime: '30m' });
  expect(lines(tracker, 'read a snapshot')).toMatchObject([{ peers: 200, expired: 800 }]);
  await expect.poll(() => metric(tracker, 'chihaya_storage_leechers_count')).toBe(200);
  expect(await metric(tracker, 'chihaya_storage_seeders_count')).toBe(0);
  expect(await metric(tracker, 'chihaya_storage_snapshot_age_seconds')).toBeGreaterThan(99);
});

test('killed over and over while it writes, a tracker always has the last whole snapshot', {
  timeout: 120_000,
}, async () => {
  const directory = await someDirectory();
  const path = join(directory, 'snapshot');
  const store = someStore();
  for (let n = 0; n < 100_000; n++) store.putSeeder(someInfohash(n % 100), peer(n));
  await saveTo(path, store);
  const unfinished = async () =>
    (await readdir(directory)).filter((name) => name.startsWith('snapshot.tmp-'));
  let cutOff = 0;
  for (let round = 0; round < 8; round++) {
    const tracker = await start(path, round % 2 === 0 ? SEVERAL : 1, { snapshot_interval: '1ms' });
    expect(tracker.problems()).toEqual([]);
    expect(lines(tracker, 'read a snapshot')).toMatchObject([{ peers: 100_000 + round }]);
    await announce(tracker, round, 'started');
    // The second one to end from now on was begun after the announce.
    const count = () => metric(tracker, 'chihaya_storage_snapshot_duration_milliseconds_count');
    const written = await count();
    await expect.poll(count, { timeout: 20_000, interval: 5 }).toBeGreaterThan((written || 0) + 1);
    // At any moment, and every second time while it writes another.
    if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    else await until('another', async () => (await unfinished()).length > 0);
    await tracker.process.stop('SIGKILL');
    const left = await unfinished();
    expect(left.length).toBeLessThan(2);
    cutOff += left.length;
  }
  expect(cutOff).toBeGreaterThan(0);
  const last = await start(path, 1);
  expect((await readdir(directory)).toSorted()).toEqual(['snapshot']);
  expect(lines(last, 'read a snapshot')).toMatchObject([{ peers: 100_008 }]);
});

describe('a tracker', () => {
  test('serves without a snapshot that is damaged, and keeps the file', async () => {
    const directory = await someDirectory();
    const path = join(directory, 'snapshot');
    const store = someStore();
    for (let n = 0; n < 1000; n++) store.putSeeder(someInfohash(n), peer(n));
    await saveTo(path, store);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, -1));
    const tracker = await start(path, SEVERAL);
    expect(tracker.problems()).toEqual([
      expect.objectContaining({
        level: 'error',
        component: 'memory',
        msg: expect.stringContaining(
          `the snapshot ${path} is not used, and the store starts empty: block 3, at byte`,
        ),
      }),
    ]);
    await announce(tracker, 1, 'started');
    await expect.poll(() => metric(tracker, 'chihaya_storage_leechers_count')).toBe(1);
    expect(await metric(tracker, 'chihaya_storage_snapshot_failures_total\\{operation="read"\\}')).toBe(1);
    const [kept = ''] = (await readdir(directory)).filter((name) => name.startsWith('snapshot.refused-'));
    expect((await readFile(join(directory, kept))).equals(bytes.subarray(0, -1))).toBe(true);
  });

  test('does not start if snapshots cannot be written', async () => {
    const directory = await someDirectory();
    const config = join(directory, 'chihaya.yaml');
    const options = { snapshot_path: join(directory, 'missing', 'snapshot') };
    await writeFile(config, JSON.stringify({ chihaya: { storage: { config: options } } }));
    const { code, stderr } = await chihaya(['--config', config]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `the tracker did not start: memory: snapshot_path: cannot write to the directory ${directory}/missing: there is no such directory: create it`,
    );
  });
});
