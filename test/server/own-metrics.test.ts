/** What a tracker as a whole counts of what clients did to it. */

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  createTracker,
  defineHook,
  type Embedding,
  type Tracker,
  type TrackerOptions,
} from '../../src/index.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { announcePacket, connectPacket, UdpClient } from '../support/udp-client.ts';
import { until } from '../support/until.ts';

async function start(options: TrackerOptions, embedding?: Embedding): Promise<Tracker> {
  const tracker = await createTracker(options, embedding);
  onTestFinished(() => tracker.stop());
  return tracker;
}

async function open(tracker: Tracker): Promise<UdpClient> {
  const client = await UdpClient.open(port(tracker, 'udp'));
  onTestFinished(() => client.close());
  return client;
}

function port(tracker: Tracker, protocol: string): number {
  const address = tracker.addresses.find((each) => each.protocol === protocol);
  if (!address) throw new Error(`no ${protocol} is served`);
  return address.port;
}

/** The lines of a metric, without its name. */
async function lines(tracker: Tracker, name: string): Promise<string[]> {
  const text = await tracker.metrics();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length));
}

test('announces of all protocols count together, those refused do not', async () => {
  const tracker = await start({ http: { addr: '127.0.0.1:0' }, udp: { addr: '127.0.0.1:0' } });
  const client = await open(tracker);
  const connectionId = await client.connect();
  await client.ask(announcePacket({ connectionId, event: 2 }));
  await client.ask(announcePacket({ connectionId, event: 9 }));
  const announce = `http://127.0.0.1:${port(tracker, 'http')}/announce?info_hash=${'a'.repeat(20)}`;
  await fetch(`${announce}&peer_id=${'b'.repeat(20)}&port=1&left=1&uploaded=0&downloaded=0&event=started`);
  await fetch(announce);
  expect((await lines(tracker, 'chihaya_announces_total')).filter((line) => !line.endsWith(' 0'))).toEqual([
    '{event="started",address_family="IPv4"} 2',
  ]);
});

test.each([true, false])('hooks with request timing %s', async (enable_request_timing) => {
  const tracker = await start({
    udp: { addr: '127.0.0.1:0', enable_request_timing },
    prehooks: [{ name: 'client approval', options: { blacklist: ['XL0012'] } }],
  });
  const client = await open(tracker);
  const connectionId = await client.connect();
  await client.ask(announcePacket({ connectionId }));
  await client.ask(announcePacket({ connectionId, peerId: '-XL0012-abcdefghijkl' }));
  const calls = [
    '{stage="prehook",hook="client approval"} 2',
    '{stage="prehook",hook="response"} 1',
    '{stage="posthook",hook="swarm interaction"} 1',
  ];
  expect(await lines(tracker, 'chihaya_hook_calls_total')).toEqual(enable_request_timing ? calls : []);
});

describe.each(['mmsg', 'dgram'] as const)('UDP by %s', (socket) => {
  const udp = { addr: '127.0.0.1:0', socket };

  test.skipIf(socket === 'mmsg' && process.platform !== 'linux')('packets dropped, and why', async () => {
    const tracker = await start({ udp });
    const client = await open(tracker);
    const wrongId = announcePacket({ connectionId: Buffer.alloc(8) });
    for (const packet of [
      Buffer.alloc(15),
      Buffer.alloc(2_049),
      Buffer.alloc(16),
      Buffer.from('00000417271019810000000000000001', 'hex'),
      wrongId.subarray(0, 16),
    ]) {
      expect(await client.isIgnored(packet)).toBe(true);
    }
    expect((await client.ask(wrongId)).toString('latin1')).toContain('bad connection ID');
    const dropped = await lines(tracker, 'chihaya_udp_dropped_packets_total');
    expect(dropped.slice(0, 7)).toEqual([
      '{reason="malformed"} 2',
      '{reason="no_connect"} 2',
      '{reason="connection_id"} 1',
      '{reason="busy"} 0',
      '{reason="announce_rate"} 0',
      '{reason="connect_rate"} 0',
      '{reason="banned"} 0',
    ]);
    expect(dropped.slice(7)).toEqual(socket === 'mmsg' ? ['{reason="buffer"} 0'] : []);
    expect(await lines(tracker, 'chihaya_udp_connection_ids_rejected_total')).toEqual([' 2']);
  });

  test.skipIf(socket === 'mmsg' && process.platform !== 'linux')('bytes, of late answers too', async () => {
    const late = defineHook({
      name: 'late',
      summary: 'For a test.',
      options: z.strictObject({}),
      create: () => ({ handleAnnounce: () => nextTurn(), handleScrape() {} }),
    });
    const tracker = await start({ udp, prehooks: [{ name: 'late' }] }, { hookDrivers: [late] });
    const client = await open(tracker);
    const connectionId = await client.connect();
    const packet = announcePacket({ connectionId });
    const answer = await client.ask(packet);
    expect(await lines(tracker, 'chihaya_udp_received_bytes_total')).toEqual([` ${16 + packet.length}`]);
    expect(await lines(tracker, 'chihaya_udp_sent_bytes_total')).toEqual([` ${16 + answer.length}`]);
  });
});

test.skipIf(process.platform !== 'linux')('packets that the kernel had no room for', async () => {
  const tracker = await TrackerProcess.start({
    workers: 1,
    metrics_addr: '127.0.0.1:0',
    udp: { addr: '127.0.0.1:0', private_key: 'a secret text', receive_buffer: 4_096 },
  });
  onTestFinished(() => tracker.stop());
  const client = await UdpClient.open(Number(tracker.address('udp').port));
  onTestFinished(() => client.close());
  tracker.process.signal('SIGSTOP');
  for (let i = 0; i < 100; i++) await client.send(connectPacket(i));
  tracker.process.signal('SIGCONT');
  const metric = async (line: string) => {
    const text = await (await fetch(tracker.metrics as string)).text();
    const found = text.split('\n').find((each) => each.startsWith(line));
    return Number(found?.slice(line.length));
  };
  const lost = () => metric('chihaya_udp_dropped_packets_total{reason="buffer"} ');
  await until('every packet to be accounted for', async () => {
    const received = (await metric('chihaya_udp_received_bytes_total ')) / 16;
    return (await lost()) + received === 100;
  });
  expect(await lost()).toBeGreaterThan(0);
});

test('bytes of HTTP', async () => {
  const tracker = await start({ http: { addr: '127.0.0.1:0' } });
  const { sent, received } = await new Promise<{ sent: number; received: number }>((resolve) => {
    const client = connect(port(tracker, 'http'), '127.0.0.1');
    let size = 0;
    client.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    client.on('close', () => resolve({ sent: client.bytesWritten, received: size }));
    client.end('GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n');
  });
  expect(sent).toBeGreaterThan(20);
  expect(received).toBeGreaterThan(100);
  expect(await lines(tracker, 'chihaya_http_received_bytes_total')).toEqual([
    `{scheme="http"} ${sent}`,
    '{scheme="https"} 0',
  ]);
  expect(await lines(tracker, 'chihaya_http_sent_bytes_total')).toEqual([
    `{scheme="http"} ${received}`,
    '{scheme="https"} 0',
  ]);
});

test('what runs', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const tracker = await start({});
  expect(await lines(tracker, 'chihaya_build_info')).toEqual([
    `{version="${version}",node="${process.versions.node}"} 1`,
  ]);
});

test('how late the thread is, since the last look', async () => {
  const tracker = await start({});
  const worst = async () => {
    const found = await lines(tracker, 'chihaya_event_loop_delay_seconds');
    expect(found).toHaveLength(3);
    return Number(found[2]?.replace('{worker="1",percentile="100"} ', ''));
  };
  await worst();
  for (const end = performance.now() + 300; performance.now() < end; );
  await wait(50);
  // The thread looks at the clock every 20 ms: a little of the time is missed.
  expect(await worst()).toBeGreaterThan(0.25);
  // Since the last look; a busy machine may hold it up in earnest once or twice.
  await until('nothing to be late for', async () => {
    await wait(50);
    return (await worst()) < 0.25;
  });
});

test.skipIf(process.platform !== 'linux')('how late each worker is', async () => {
  const slow = `
    import { parentPort, workerData } from 'node:worker_threads';
    if (workerData?.number === 2) parentPort.on('message', ({ kind }) => {
      for (const end = performance.now() + 300; kind === 'measure' && performance.now() < end; );
    });`;
  const tracker = await TrackerProcess.start(
    { workers: 2, metrics_addr: '127.0.0.1:0', udp: { addr: '127.0.0.1:0', private_key: 'a secret text' } },
    undefined,
    { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(slow)}` },
  );
  onTestFinished(() => tracker.stop());
  const worst = async (worker: number) => {
    const text = await (await fetch(tracker.metrics as string)).text();
    const name = `chihaya_event_loop_delay_seconds{worker="${worker}",percentile="100"} `;
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.slice(name.length),
    );
  };
  // The first look is what holds worker 2 up.
  await until('worker 2 to be late', async () => (await worst(2)) > 0.25);
  await until('worker 1 not to be', async () => (await worst(1)) < 0.25);
});
