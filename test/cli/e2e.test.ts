/** `chihaya e2e` against trackers that are right, and against those that are not. */

import { createSocket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { bdecode } from '../../src/cli/e2e/bdecode.ts';
import { makeCertificate } from '../support/certificate.ts';
import { reservePort } from '../support/reserved-port.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { chihaya } from './chihaya.ts';

async function startTracker(config: object): Promise<TrackerProcess> {
  const tracker = await TrackerProcess.start(config);
  onTestFinished(() => tracker.stop());
  return tracker;
}

/** What e2e prints, in order of the alphabet: the tests of several addresses run at a time. */
async function e2e(http: string, udp: string, env: Record<string, string> = {}) {
  const { code, stdout } = await chihaya(
    ['e2e', '--httpaddr', http, '--udpaddr', udp, '--delay', '10ms'],
    env,
  );
  return { code, lines: stdout.trim().split('\n').toSorted() };
}

describe('a tracker that is right', () => {
  test('on IPv4 alone: IPv6 is skipped, and said to be', async () => {
    const tracker = await startTracker({ http: { addr: '127.0.0.1:0' }, udp: { addr: '127.0.0.1:0' } });
    const [http, udp] = [`${tracker.addresses[0]}/announce`, `${tracker.addresses[1]}`];
    const { code, lines } = await e2e(http, udp);
    expect(lines).toEqual([
      `passed: ${http} over IPv4 (127.0.0.1)`,
      `passed: ${udp} over IPv4 (127.0.0.1)`,
      expect.stringMatching(/^skipped: http:.* over IPv6 \(::1\): .*ECONNREFUSED/),
      expect.stringMatching(/^skipped: udp:.* over IPv6 \(::1\): .*ECONNREFUSED/),
    ]);
    expect(code).toBe(0);
  });

  test('on IPv6, with a passkey in the route and none in the scrape', async () => {
    const tracker = await startTracker({
      http: { addr: '[::1]:0', announce_routes: ['/:passkey/announce'], scrape_routes: ['/:passkey/scrape'] },
      udp: { addr: '[::1]:0' },
    });
    const [http, udp] = [`${tracker.addresses[0]}/x/announce?a=b`, `${tracker.addresses[1]}`];
    const { code, lines } = await e2e(http, udp);
    expect(lines).toEqual([`passed: ${http} over IPv6 (::1)`, `passed: ${udp} over IPv6 (::1)`]);
    expect(code).toBe(0);
  });

  test('over HTTPS, and it leaves nothing behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'chihaya-e2e-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
    const tracker = await startTracker({
      metrics_addr: '127.0.0.1:0',
      http: { https_addr: '127.0.0.1:0', tls_cert_path: certificate, tls_key_path: key },
      storage: { config: { prometheus_reporting_interval: '1ms' } },
    });
    const http = `${tracker.addresses[0]}/announce`;
    const { code, lines } = await e2e(http, '', { NODE_EXTRA_CA_CERTS: certificate });
    expect(lines[0]).toBe(`passed: ${http} over IPv4 (127.0.0.1)`);
    expect(code).toBe(0);
    const metrics = await (await fetch(tracker.metrics as string)).text();
    expect(metrics).toMatch(/chihaya_http_response_duration_milliseconds_count\{action="announce".*\} 5/);
    expect(metrics).toContain('\nchihaya_storage_leechers_count 0\n');
  });
});

describe('a tracker that is not', () => {
  let closeAll: (() => void)[];
  beforeAll(() => {
    closeAll = [];
  });
  afterAll(() => {
    for (const close of closeAll) close();
  });

  /** An HTTP server that answers every request with `body`. */
  async function answering(body: string | Buffer, status = 200): Promise<string> {
    const server = createServer((_, response) => response.writeHead(status).end(body));
    closeAll.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
  }

  test('refuses', async () => {
    const config = { prehooks: [{ name: 'client approval', options: { whitelist: ['TR4050'] } }] };
    const tracker = await startTracker({
      ...config,
      http: { addr: '127.0.0.1:0' },
      udp: { addr: '127.0.0.1:0' },
    });
    const { code, lines } = await e2e(`${tracker.addresses[0]}/announce`, `${tracker.addresses[1]}`);
    expect(lines[0]).toMatch(/^failed: http:.*: the tracker refused: unapproved client$/);
    expect(lines[1]).toMatch(/^failed: udp:.*: the tracker refused: unapproved client$/);
    expect(code).toBe(1);
  });

  test('is not there', async () => {
    const { port, release } = await reservePort();
    onTestFinished(release);
    const { code, lines } = await e2e(`http://127.0.0.1:${port}/announce`, '');
    expect(lines[0]).toMatch(/^failed: http:.*IPv4.*ECONNREFUSED/);
    expect(code).toBe(1);
  });

  test.each([
    [
      'no peers',
      'd8:completei0e10:incompletei0e5:peers0:e',
      'the first peer: expected exactly one peer, found 0',
    ],
    [
      'another peer',
      'd5:peers6:abcdefe',
      'the first peer: expected a peer on port 10001, found one on 25958',
    ],
    ['half a peer', 'd5:peers7:abcdefge', 'expected whole peers of 6 bytes, found 7 bytes'],
    ['a list', 'd5:peerslee', 'expected the compact form of peers, found another'],
    ['no dictionary', 'le', 'expected a dictionary as answer, found another value'],
    ['no bencoding', '<html>', 'expected a value at byte 0 of the answer, found another byte'],
    // The first is given itself, and so is everybody else: nothing was stored, and the scrape shows it.
    [
      'no storage',
      Buffer.from('d5:peers6:\x7f\0\0\x01\x27\x11e', 'latin1'),
      'expected the torrent in the scrape',
    ],
  ])('answers with %s', async (_, body, message) => {
    const { code, lines } = await e2e(await answering(body), '');
    expect(lines[0]).toContain(message);
    expect(code).toBe(1);
  });

  test('answers with another status', async () => {
    const { code, lines } = await e2e(await answering('d5:peers0:e', 404), '');
    expect(lines[0]).toContain('expected status 200, found 404');
    expect(code).toBe(1);
  });

  test('answers UDP with something else', async () => {
    const socket = createSocket('udp4');
    socket.on('message', (packet, { port, address }) =>
      socket.send(Buffer.concat([Buffer.from('00000007', 'hex'), packet.subarray(12, 16)]), port, address),
    );
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    closeAll.push(() => socket.close());
    const { code, lines } = await e2e('', `udp://127.0.0.1:${socket.address().port}`);
    expect(lines[0]).toContain('expected an answer to action 0 of 16 bytes or more, found another');
    expect(code).toBe(1);
  });
});

describe('bdecode', () => {
  test('every type', () => {
    const value = bdecode(Buffer.from('d1:ai-3e1:bl0:2:xyi0eee'));
    expect(value).toEqual(
      new Map<string, unknown>([
        ['a', -3],
        ['b', [Buffer.alloc(0), Buffer.from('xy'), 0]],
      ]),
    );
  });

  test.each(['', 'i1', 'i01e', 'i-0e', 'ie', '3:ab', 'l', 'd1:a', 'di1e1:ae', 'x', 'i1ei2e', '1'])(
    'refuses %j',
    (text) => expect(() => bdecode(Buffer.from(text))).toThrow(/^expected /),
  );
});
