/** The hooks in examples/, with the configurations beside them but for addresses, as their readers run them. */

import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { announceHttp, announceUdp } from '../support/announces.ts';
import { RunningProcess } from '../support/running-process.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';
import { PROGRAM } from './chihaya.ts';

const linux = process.platform === 'linux';
const EXAMPLES = join(import.meta.dirname, '../../examples');

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chihaya-examples-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

type Changes = readonly (readonly [string, string])[];

/** Writes `examples/NAME.yaml` with other addresses, and each text of `changes` replaced. */
async function configure(name: string, workers: number, changes: Changes = []): Promise<string> {
  let text = await readFile(join(EXAMPLES, `${name}.yaml`), 'utf8');
  for (const [from, to] of [
    ['":6969"', '"127.0.0.1:0"'],
    ['name: ./', `name: ${EXAMPLES}/`],
    ...changes,
  ] as const) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  const path = join(directory, `${name}-${workers}.yaml`);
  await writeFile(path, `${text}  workers: ${workers}\n  metrics_addr: "127.0.0.1:0"\n`);
  return path;
}

async function start(name: string, workers: number, changes: Changes = []): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.run(await configure(name, workers, changes));
  onTestFinished(() => tracker.stop());
  return tracker;
}

async function metric(tracker: TrackerProcess, name: string): Promise<number> {
  const text = await (await fetch(tracker.metrics as string)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe.each(linux ? [1, 2] : [1])('with workers: %i', (workers) => {
  test('ban-list', async () => {
    const tracker = await start('ban-list', workers, [['192.0.2.0/24', '127.1.0.0/16']]);
    const [http, udp] = [tracker.address('http'), tracker.address('udp')];
    for (let i = 1; i < 6; i++) {
      expect((await announceHttp(http, { from: `127.1.0.${i}` })).failure).toBe('banned');
      expect((await announceUdp(udp, '', { from: `127.1.0.${i}` })).failure).toBe('banned');
      expect((await announceHttp(http, { from: `127.2.0.${i}` })).interval).toBe(1800);
      expect((await announceUdp(udp, '', { from: `127.2.0.${i}`, port: 6882 })).interval).toBe(1800);
    }
    const scrape = await fetch(new URL(`/scrape?info_hash=${'%AA'.repeat(20)}`, http));
    expect(await scrape.text()).toContain('10:incompletei10e');
    expect(tracker.problems()).toEqual([]);
  });

  test('passkey-gate', async () => {
    const tracker = await start('passkey-gate', workers);
    const at = (path: string) => new URL(path, tracker.address('http'));
    expect((await announceHttp(at('/a%20long%20random%20text/announce'))).interval).toBe(1800);
    expect((await announceHttp(at('/another%20long%20random%20text/announce'))).interval).toBe(1800);
    expect((await announceHttp(at('/a%20guess/announce'))).failure).toBe('unknown passkey');
    const scrape = async (passkey: string) =>
      (await fetch(at(`/${passkey}/scrape?info_hash=${'a'.repeat(20)}`))).text();
    expect(await scrape('a%20long%20random%20text')).toContain('5:files');
    expect(await scrape('a%20guess')).toBe('d14:failure reason15:unknown passkeye');
    expect((await fetch(at('/announce'))).status).toBe(404);
    expect(tracker.process.output).toContain('"passkeys":"<redacted>"');
    expect(tracker.process.output).not.toContain('long random text');
    expect(tracker.problems()).toEqual([]);
  });

  test('announce-log, to a file', async () => {
    const path = join(directory, `announces-${workers}.ndjson`);
    const tracker = await start('announce-log', workers, [['/dev/stdout', path]]);
    const [http, udp] = [tracker.address('http'), tracker.address('udp')];
    for (let i = 1; i <= 20; i++) {
      await announceHttp(http, { from: `127.1.0.${i}`, port: i });
      await announceUdp(udp, '', { from: `127.2.0.${i}`, port: i });
    }
    await tracker.process.stop();
    const text = await readFile(path, 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(40);
    expect(new Set(lines.map(({ address, port }) => `${address}:${port}`)).size).toBe(40);
    expect(lines.find(({ address }) => address === '127.1.0.7')).toEqual({
      time: expect.any(Number),
      infohash: 'aa'.repeat(20),
      peer_id: Buffer.from('-TR4050-abcdefghijkl').toString('hex'),
      address: '127.1.0.7',
      port: 7,
      event: 'none',
      left: '1',
      downloaded: '0',
      uploaded: '0',
    });
    expect(tracker.problems()).toEqual([]);
  });

  test.skipIf(!linux)(
    'announce-log, to a reader that stands still: clients and stop do not notice',
    async () => {
      const path = join(directory, `pipe-${workers}`);
      execFileSync('mkfifo', [path]);
      // Both ends, so that there is a reader; nobody reads yet.
      const pipe = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
      onTestFinished(() => pipe.close());
      const tracker = await start('announce-log', workers, [['/dev/stdout', path]]);

      // A pipe takes 64 KiB, each worker keeps 1 MiB, a line has about 230 bytes.
      const clients = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          UdpClient.open(Number(tracker.address('udp').port), '127.0.0.1', `127.3.0.${i + 1}`),
        ),
      );
      let answers = 0;
      await Promise.all(
        clients.map(async (client) => {
          const packet = announcePacket({ connectionId: await client.connect() });
          for (let i = 0; i < 1_500; i++) {
            const answer = await client.ask(packet);
            if (answer.readUInt32BE(0) === 1) answers++;
          }
          await client.close();
        }),
      );
      expect(answers).toBe(12_000);
      const dropped = await metric(tracker, 'announce_log_dropped_total');
      expect(dropped).toBeGreaterThan(1_000);
      expect(tracker.problems()[0]).toMatchObject({
        level: 'warn',
        component: 'announce log',
        msg: 'announces are left out of the log',
        reason: 'they come faster than they can be written',
      });

      // What is in the pipe is whole lines. How many depends on how they were put together: of its 16 pages a write
      // shares the last one only if it fits in whole. But then two pages in a row hold more than one, so half is full.
      const { buffer, bytesRead } = await pipe.read(Buffer.alloc(65_536), 0, 65_536);
      const lines = buffer.toString('latin1', 0, bytesRead).trimEnd().split('\n');
      expect(bytesRead).toBeGreaterThan(32_768);
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ infohash: 'aa'.repeat(20) });

      await tracker.process.stop('SIGTERM', 10_000);
      expect(tracker.process.output).toContain('"msg":"stopped"');
      expect(tracker.process.exitCode).toBe(0);
    },
  );
});

test('announce-log, to a program that reads standard output', async () => {
  const path = await configure('announce-log', 1);
  // Node would give it a socket; a shell makes a pipe.
  const args = [
    '-c',
    'exec "$0" "$@" > >(cat)',
    process.execPath,
    PROGRAM,
    '--json',
    '--allow-root',
    '--config',
    path,
  ];
  const tracker = new RunningProcess({ file: 'bash', args });
  onTestFinished(() => tracker.stop());
  const [ready] = await tracker.waitFor(/^\{.*"msg":"ready".*\}$/m, 20_000);
  const [url] = (JSON.parse(ready) as { addresses: string[] }).addresses;
  await announceHttp(url as string);
  await tracker.waitFor(/^\{"time":\d+,"infohash":"a{40}".*\}$/m, 20_000);
});
