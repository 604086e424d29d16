/** Several workers: the same ports, the same swarms, one sum of metrics, and what happens when one dies. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { TrackerOptions } from '../../src/server/create-tracker.ts';
import { makeCertificate } from '../support/certificate.ts';
import { builtCreateTracker, Supervised } from '../support/supervised.ts';
import { announcePacket, scrapePacket, UdpClient } from '../support/udp-client.ts';

const WORKERS = 3;

/** Clients from so many ports: that one worker answers none of them happens once in ten million times. */
const CLIENTS = 45;

const INFOHASH = 'a'.repeat(20);
const linux = process.platform === 'linux';

async function start(options: TrackerOptions, workers = WORKERS): Promise<Supervised> {
  const tracker = await Supervised.start(options, workers);
  onTestFinished(() => tracker.stop());
  return tracker;
}

function peerId(number: number): string {
  return `-XX0001-${String(number).padStart(12, '0')}`;
}

/** One request over a connection of its own. */
function askHttp(port: number, path: string, secure = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
    const socket = secure ? connectTls(options) : connect(options);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(answer.slice(answer.indexOf('\r\n\r\n') + 4)));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  });
}

function announcePath(peer: number, numwant = 0, infohash = INFOHASH): string {
  return `/announce?info_hash=${infohash}&peer_id=${peerId(peer)}&port=${peer}&uploaded=0&downloaded=0&left=1&compact=1&numwant=${numwant}`;
}

/** The ports of IPv4 peers in compact form. */
function ports(peers: Buffer): number[] {
  return Array.from({ length: peers.length / 6 }, (_, i) => peers.readUInt16BE(6 * i + 4)).toSorted(
    (a, b) => a - b,
  );
}

const numbers = Array.from({ length: CLIENTS }, (_, i) => 1001 + i);

describe.skipIf(!linux)('all workers serve, and have the same swarms', () => {
  async function overHttp(options: object, secure: boolean): Promise<void> {
    const tracker = await start({ http: options });
    const port = tracker.port(secure ? 'https' : 'http');
    await Promise.all(numbers.map((number) => askHttp(port, announcePath(number), secure)));

    const label = `{scheme="${secure ? 'https' : 'http'}"}`;
    expect(await tracker.metric(`chihaya_http_requests_total${label}`)).toBe(CLIENTS);
    const answered = tracker.answered('http');
    expect(Math.min(...answered)).toBeGreaterThan(0);
    expect(answered.reduce((a, b) => a + b)).toBe(CLIENTS);

    // Whichever worker answers knows what the others were told.
    for (let times = 0; times < 10; times++) {
      const scrape = await askHttp(port, `/scrape?info_hash=${INFOHASH}`, secure);
      expect(scrape).toContain(`10:incompletei${CLIENTS}e`);
      const answer = Buffer.from(await askHttp(port, announcePath(999, 100), secure), 'latin1');
      const peers = answer.subarray(answer.indexOf(':peers') + 6);
      const length = Number.parseInt(peers.toString('latin1'), 10);
      const compact = peers.subarray(peers.indexOf(':') + 1).subarray(0, length);
      expect(ports(compact)).toEqual(numbers);
      await askHttp(port, `${announcePath(999)}&event=stopped`, secure);
    }
  }

  test('HTTP', () => overHttp({ addr: '127.0.0.1:0' }, false));

  test('HTTPS', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'chihaya-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    await overHttp({ https_addr: '127.0.0.1:0', tls_cert_path: certificate, tls_key_path: key }, true);
  });

  test.each(['mmsg', 'dgram'] as const)('UDP by %s', async (socket) => {
    // Without a key of their own: the random one is the same for all.
    const tracker = await start({ udp: { addr: '127.0.0.1:0', socket } });
    const clients = await Promise.all(numbers.map(() => UdpClient.open(tracker.port('udp'))));
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
    const infohash = Buffer.from(INFOHASH);
    const announce = async (client: UdpClient, peer: number, numwant: number) =>
      client.ask(
        announcePacket({
          connectionId: await client.connect(),
          infohash,
          peerId: peerId(peer),
          port: peer,
          numwant,
        }),
      );
    await Promise.all(clients.map((client, i) => announce(client, numbers[i] as number, 0)));

    const metric = (action: string) =>
      tracker.metric(
        `chihaya_udp_response_duration_milliseconds_count{action="${action}",address_family="IPv4",error=""}`,
      );
    expect(await metric('announce')).toBe(CLIENTS);
    expect(await metric('connect')).toBe(CLIENTS);
    const answered = tracker.answered('udp');
    expect(Math.min(...answered)).toBeGreaterThan(0);
    expect(answered.reduce((a, b) => a + b)).toBe(2 * CLIENTS);

    for (const client of clients.slice(0, 10)) {
      const scrape = await client.ask(scrapePacket(await client.connect(), [infohash]));
      expect(scrape.toString('hex')).toBe(
        `0000000201020304${[0, 0, CLIENTS].map((count) => count.toString(16).padStart(8, '0')).join('')}`,
      );
      // As one of the peers, so that the swarm stays what it is: it is told of all the others.
      const answer = await announce(client, 1001, 100);
      expect(ports(answer.subarray(20))).toEqual(numbers.slice(1));
    }
  });

  test('what concerns all is said once, and what concerns one has its number', async () => {
    const tracker = await start({ http: { addr: '127.0.0.1:0' }, udp: { addr: '127.0.0.1:0' } });
    expect(tracker.logger.lines).toEqual([
      {
        level: 'warn',
        message: expect.stringMatching(/^udp.private_key is not set/),
        fields: { component: 'udp' },
      },
    ]);
    await tracker.kill(2);
    const lines = tracker.logger.lines.slice(1).map(({ level, message, fields }) => [level, message, fields]);
    expect(lines).toEqual([
      ['error', 'worker 2 died: another takes its place', { worker: 2, err: expect.any(Error) }],
      ['info', 'worker 2 serves again', { worker: 2 }],
    ]);
  });
});

describe.skipIf(!linux)('a worker that dies', () => {
  test('is replaced; peers stay, service goes on, no lock is left behind', async () => {
    const tracker = await start({ http: { addr: '127.0.0.1:0' }, udp: { addr: '127.0.0.1:0' } });
    const port = tracker.port('http');
    await Promise.all(numbers.map((number) => askHttp(port, announcePath(number))));
    expect(await tracker.metric('chihaya_http_requests_total{scheme="http"}')).toBe(CLIENTS);

    // Announces to many swarms, all the while; those of the connections that died are sent again.
    let going = true;
    let resent = 0;
    let served = 0;
    const load = Array.from({ length: 8 }, async (_, i) => {
      for (let n = 0; going; n++) {
        const infohash = String((i * 1000 + n) % 1500).padStart(20, 'x');
        const answer = await askHttp(port, announcePath(2000 + i, 50, infohash)).catch(() => '');
        if (answer.includes('8:interval')) served++;
        else resent++;
      }
    });
    for (const number of [1, 2, 3, 1]) {
      const before = served;
      await tracker.kill(number);
      while (served < before + 100) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    going = false;
    await Promise.all(load);
    expect(resent).toBeLessThan(served);

    // Every shard can be locked by every worker.
    const swarms = Array.from({ length: 1500 }, (_, i) => String(i).padStart(20, 'x'));
    for (let from = 0; from < swarms.length; from += 100) {
      const answers = await Promise.all(
        swarms.slice(from, from + 100).map((infohash) => askHttp(port, announcePath(3000, 0, infohash))),
      );
      for (const answer of answers) expect(answer).toContain('8:interval');
    }
    expect(await askHttp(port, `/scrape?info_hash=${INFOHASH}`)).toContain(`10:incompletei${CLIENTS}e`);
    expect(await tracker.metric('chihaya_workers')).toBe(WORKERS);
    expect(await tracker.metric('chihaya_worker_restarts_total')).toBe(4);
    const errors = tracker.logger.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).toEqual([
      'worker 1 died: another takes its place',
      'worker 2 died: another takes its place',
      'worker 3 died: another takes its place',
      'worker 1 died: another follows in 100 ms',
    ]);
  });

  test('takes its sockets along, those that Node knows nothing of too', async () => {
    const tracker = await start({ http: { addr: '127.0.0.1:0' }, udp: { addr: '127.0.0.1:0' } });
    const sockets = (file: 'tcp' | 'udp', port: number) => {
      const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000`;
      return readFileSync(`/proc/net/${file}`, 'utf8').split(local).length - 1;
    };
    const [tcp, udp] = [tracker.port('http'), tracker.port('udp')];
    expect([sockets('tcp', tcp), sockets('udp', udp)]).toEqual([WORKERS, WORKERS]);
    for (const number of [1, 2, 1]) await tracker.kill(number);
    expect([sockets('tcp', tcp), sockets('udp', udp)]).toEqual([WORKERS, WORKERS]);

    // No client's packets go to a socket that nobody reads.
    await Promise.all(
      numbers.map(async () => {
        const client = await UdpClient.open(udp);
        await client.connect();
        await client.close();
      }),
    );
    await tracker.stop();
    expect([sockets('tcp', tcp), sockets('udp', udp)]).toEqual([0, 0]);
  });

  test.each(['epoll', 'node'] as const)('takes its connections along (%s)', async (socket) => {
    const tracker = await start({
      http: { addr: '127.0.0.1:0', socket, enable_keepalive: true, read_timeout: '60s' },
      udp: { addr: '127.0.0.1:0' },
    });
    const openDescriptors = () => readdirSync('/proc/self/fd').length;
    // What a worker opens once for itself is there.
    await tracker.kill(1);
    const before = openDescriptors();
    const clients = await Promise.all(
      numbers.map(
        () =>
          new Promise<Socket>((resolve) => {
            const client = connect(tracker.port('http'), '127.0.0.1');
            client.on('error', () => {});
            client.on('data', () => resolve(client));
            client.write(`GET ${announcePath(1001)} HTTP/1.1\r\nHost: x\r\n\r\n`);
          }),
      ),
    );
    const closed = Promise.all(
      clients.map((client) => new Promise((resolve) => client.once('close', resolve))),
    );
    await expect.poll(openDescriptors).toBe(before + 2 * CLIENTS);
    for (const number of [1, 2, 3]) await tracker.kill(number);
    await closed;
    await expect.poll(openDescriptors).toBe(before);
    expect(await tracker.metric('chihaya_http_connections{scheme="http"}')).toBe(0);
  });

  test('leaves its counts in the sum', async () => {
    const tracker = await start({ http: { addr: '127.0.0.1:0' } });
    const port = tracker.port('http');
    await Promise.all(numbers.map((number) => askHttp(port, announcePath(number))));
    expect(await tracker.metric('chihaya_http_requests_total{scheme="http"}')).toBe(CLIENTS);
    expect(Math.min(...tracker.answered('http'))).toBeGreaterThan(0);
    for (const number of [1, 2, 3]) await tracker.kill(number);
    expect(await tracker.metric('chihaya_http_requests_total{scheme="http"}')).toBe(CLIENTS);
    expect(tracker.answered('http')).toEqual([0, 0, 0]);
    expect(await tracker.metric('chihaya_http_connections{scheme="http"}')).toBe(0);
  });

  test('that cannot start again is tried again, later each time, while the others serve', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'chihaya-'));
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    const tracker = await start({
      http: { https_addr: '127.0.0.1:0', tls_cert_path: certificate, tls_key_path: key },
    });
    // The next worker finds no certificate; the others go on.
    rmSync(directory, { recursive: true });
    const dead = tracker.supervisor.threads[0];
    dead?.terminate();
    await dead?.ended;
    while (tracker.logger.lines.filter(({ level }) => level === 'error').length < 3) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const errors = tracker.logger.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message).slice(0, 3)).toEqual([
      'worker 1 died: another takes its place',
      'worker 1 died: another follows in 100 ms',
      'worker 1 died: another follows in 200 ms',
    ]);
    expect(String(errors[1]?.fields.err)).toContain('cannot read the certificate');
    expect(await tracker.metric('chihaya_workers')).toBe(WORKERS - 1);
    expect(await askHttp(tracker.port('https'), announcePath(1), true)).toContain('8:interval');
    // A worker that waits for its turn keeps nobody from stopping.
    await tracker.stop();
  });
});

describe.skipIf(!linux)('a port that is taken stops the start', () => {
  test.each(['http', 'udp'] as const)('%s', async (protocol) => {
    const other = await start({ [protocol]: { addr: '127.0.0.1:0' } });
    const addr = `127.0.0.1:${other.port(protocol)}`;
    const second = Supervised.start({ [protocol]: { addr } }, WORKERS);
    await expect(second).rejects.toThrow(
      protocol === 'http'
        ? `http: cannot listen on ${addr} for HTTP: another process, or another part of this one, listens there (EADDRINUSE)`
        : `udp: cannot bind UDP ${addr}: EADDRINUSE`,
    );
  });
});

describe.skipIf(!linux)('an embedded tracker', () => {
  test('has several workers if it asks for them, and a store and logic of its own over the same swarms', async () => {
    const createTracker = await builtCreateTracker();
    const tracker = await createTracker({ workers: 2, http: { addr: '127.0.0.1:0' } });
    onTestFinished(() => tracker.stop());
    const port = tracker.addresses[0]?.port as number;
    await askHttp(port, announcePath(1001));
    const counts = { complete: -1, incomplete: -1, snatches: -1 };
    const { Infohash } = await import('../../src/bittorrent/infohash.ts');
    const infohash = Infohash.fromHex(Buffer.from(INFOHASH).toString('hex'));
    await tracker.store.scrapeSwarm(infohash, AddressFamily.IPv4, counts as never);
    expect(counts).toEqual({ complete: 0, incomplete: 1, snatches: 0 });
    const text = await tracker.metrics();
    expect(text).toContain('\nchihaya_workers 2\n');
    expect(text).toContain('\nchihaya_http_requests_total{scheme="http"} 1\n');
    await tracker.stop();
    expect(await tracker.metrics()).toContain('\nchihaya_http_requests_total{scheme="http"} 1\n');

    const again = await createTracker({ workers: 2, http: { addr: `127.0.0.1:${port}` } });
    await again.stop();
  });

  test.each([
    ['clock', { clock: { now: () => 0 } }, 2],
    ['hookDrivers', { hookDrivers: [] }, 'auto' as const],
  ])('with a %s of its own has one', async (key, embedding, workers) => {
    const createTracker = await builtCreateTracker();
    await expect(createTracker({ workers }, embedding)).rejects.toThrow(
      `workers: expected 1 with ${key} of your own, which other threads cannot have, found ${workers}`,
    );
    await (await createTracker({ workers: 1 }, embedding)).stop();
    await (await createTracker({}, embedding)).stop();
  });
});
