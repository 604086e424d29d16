/** Connections that begin with a PROXY header, plain and TLS: whom they speak for, in how many pieces they may come, and who is cut off. */

import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { httpDriver } from '../../../src/frontend/http/driver.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { hex, TCP4, TCP6, UNKNOWN, V2_INET, V2_INET_TLVS, V2_INET6, V2_LOCAL } from './proxy-headers.ts';
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
  status,
} from './support.ts';

const REQUEST = Buffer.from(get(`/announce?${QUERY}`));

let served: Served;
let seen: string[];
afterEach(() => served.frontend.stop());

async function serveProxied(options: Record<string, unknown> = {}): Promise<void> {
  served = await serve({ proxy_protocol: true, ...options });
  seen = [];
  served.logic.onAnnounce = (request) => void seen.push(request.peer.address);
}

function sample(name: string, label: string): number | undefined {
  const samples = served.metrics.find((metric) => metric.name === name)?.collect() ?? [];
  return samples.find(({ labels }) => Object.values(labels).includes(label))?.value;
}

const connections = () => sample('chihaya_http_connections', 'http');
const refused = (reason: string) => sample('chihaya_http_proxy_headers_refused_total', reason);

/** A header with as many bytes of TLVs as there can be. */
const V2_LONGEST = Buffer.concat([
  hex('0d0a0d0a000d0a515549540a 21 11 ffff c0000201 c6336401 dc04 01bb'),
  Buffer.alloc(65_523),
]);

describe('whose connection it is', () => {
  test.each([
    ['TCP4', TCP4, '192.0.2.1'],
    ['TCP6', TCP6, '2001:db8::1'],
    ['UNKNOWN', UNKNOWN, '127.0.0.1'],
    ['version 2, IPv4', V2_INET, '192.0.2.1'],
    ['version 2, TLVs', V2_INET_TLVS, '192.0.2.1'],
    ['version 2, as many TLVs as there can be', V2_LONGEST, '192.0.2.1'],
    ['version 2, IPv6', V2_INET6, '2001:db8::1'],
    ['version 2, LOCAL', V2_LOCAL, '127.0.0.1'],
  ])('%s', async (_, header, expected) => {
    await serveProxied();
    expect(await roundTrip(served.port, Buffer.concat([header, REQUEST]))).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(seen).toEqual([expected]);
  });

  test('for all requests of the connection', async () => {
    await serveProxied({ enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    client.write(Buffer.concat([V2_INET, REQUEST, REQUEST]));
    await client.answers(2);
    client.write(REQUEST);
    expect(await client.answers(3)).toBe(ok(COMPACT_BODY).repeat(3));
    expect(seen).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1']);
    client.close();
  });

  test('the client may end its side behind the request', async () => {
    await serveProxied();
    const client = await RawClient.tcp(served.port);
    client.socket.end(Buffer.concat([TCP4, REQUEST]));
    expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
  });

  const field = (header: Buffer) =>
    Buffer.concat([header, Buffer.from(get(`/announce?${QUERY}`, 'X-Real-IP: 203.0.113.9'))]);

  test('real_ip_header is believed if the header names a trusted proxy, or nobody', async () => {
    await serveProxied({ real_ip_header: 'X-Real-IP', trusted_proxies: ['127.0.0.1', '192.0.2.1'] });
    await roundTrip(served.port, field(V2_INET));
    await roundTrip(served.port, field(V2_LOCAL));
    await roundTrip(served.port, field(V2_INET6));
    expect(seen).toEqual(['203.0.113.9', '203.0.113.9', '2001:db8::1']);
  });
});

describe('in pieces', () => {
  test('cut anywhere it is the same', async () => {
    await serveProxied({ enable_keepalive: true });
    const header = fc.constantFrom(TCP4, V2_INET_TLVS, V2_INET);
    await fc.assert(
      fc.asyncProperty(header, fc.array(fc.nat(120), { minLength: 1, maxLength: 5 }), async (start, cuts) => {
        const bytes = Buffer.concat([start, REQUEST]);
        const client = await RawClient.tcp(served.port);
        let at = 0;
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          client.write(bytes.subarray(at, cut));
          at = cut;
          await nextRound();
        }
        client.write(bytes.subarray(at));
        expect(await client.answers(1)).toBe(ok(COMPACT_BODY));
        expect(seen.pop()).toBe('192.0.2.1');
        client.close();
      }),
      { numRuns: 100 },
    );
    expect(seen).toEqual([]);
    await expect.poll(connections).toBe(0);
    // Headers are not among them.
    const bytes = sample('chihaya_http_received_bytes_total', 'http') as number;
    expect([bytes % REQUEST.length, bytes / REQUEST.length]).toEqual([0, served.logic.calls.length / 2]);
  });
});

describe('a trusted proxy that sends none', () => {
  test.each([
    ['missing', REQUEST],
    ['missing', Buffer.from('\x16\x03\x01')],
    ['malformed', Buffer.from('PROXY TCP4 192.0.2.1\r\n')],
    ['malformed', hex('0d0a0d0a000d0a515549540a 21 51 0000')],
  ])('%s: closed and counted', async (reason, bytes) => {
    await serveProxied();
    expect(await roundTrip(served.port, bytes)).toBe('');
    expect(refused(reason)).toBe(1);
    await expect.poll(connections).toBe(0);
    expect(served.logic.calls).toEqual([]);
  });

  test('one that leaves early is closed, and nobody was refused', async () => {
    await serveProxied();
    for (const bytes of [Buffer.alloc(0), TCP4.subarray(0, 20), V2_INET_TLVS.subarray(0, 30)]) {
      const client = await RawClient.tcp(served.port);
      client.socket.end(bytes);
      expect(await client.end()).toBe('');
    }
    await expect.poll(connections).toBe(0);
    expect([refused('missing'), refused('malformed')]).toEqual([0, 0]);
  });

  test('one that resets in the midst of it harms nobody', async () => {
    await serveProxied();
    const client = await RawClient.tcp(served.port);
    client.write(TCP4.subarray(0, 20));
    await expect.poll(connections).toBe(1);
    client.socket.resetAndDestroy();
    await expect.poll(connections).toBe(0);
    await roundTrip(served.port, Buffer.concat([TCP4, REQUEST]));
    expect(seen).toEqual(['192.0.2.1']);
  });
});

describe('those who are no trusted proxies', () => {
  const others = { trusted_proxies: ['192.0.2.0/24'] };

  test('are served without a header', async () => {
    await serveProxied(others);
    expect(await roundTrip(served.port, REQUEST)).toBe(ok(COMPACT_BODY, 'close'));
    expect(seen).toEqual(['127.0.0.1']);
  });

  test.each([
    ['version 1', TCP4],
    ['version 2', V2_INET],
  ])('name nobody: %s is a bad request', async (_, header) => {
    await serveProxied(others);
    expect(await roundTrip(served.port, Buffer.concat([header, REQUEST]))).toBe(status('400 Bad Request'));
    expect([refused('missing'), refused('malformed')]).toEqual([0, 0]);
  });
});

test('without proxy_protocol a header is a bad request', async () => {
  await serveProxied({ proxy_protocol: false });
  expect(await roundTrip(served.port, Buffer.concat([TCP4, REQUEST]))).toBe(status('400 Bad Request'));
});

describe('read_timeout', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half a line', TCP4.subarray(0, 20)],
    ['half of the TLVs', V2_INET_TLVS.subarray(0, 30)],
    ['a header, and no request', V2_INET],
  ])('%s', async (_, bytes) => {
    await serveProxied({ read_timeout: '200ms' });
    const client = await RawClient.tcp(served.port);
    client.write(bytes);
    const start = performance.now();
    expect(await client.end()).toBe('');
    expect(performance.now() - start).toBeGreaterThan(150);
    expect(performance.now() - start).toBeLessThan(1500);
    await expect.poll(() => sample('chihaya_http_timeouts_total', 'read')).toBe(1);
    await expect.poll(connections).toBe(0);
  });

  test('header and request share it, however slowly they come', async () => {
    await serveProxied({ read_timeout: '1500ms' });
    const client = await RawClient.tcp(served.port);
    const start = performance.now();
    // A byte each 25 ms: most of the time is over with the header, and the request never ends.
    const bytes = Buffer.concat([TCP4, REQUEST]);
    let at = 0;
    const timer = setInterval(() => {
      const end = Math.floor((performance.now() - start) / 25);
      client.write(bytes.subarray(at, end));
      at = end;
    }, 25);
    await client.closed;
    clearInterval(timer);
    expect(performance.now() - start).toBeGreaterThan(1400);
    // Beginning anew behind the header it would be 2,600.
    expect(performance.now() - start).toBeLessThan(2500);
    expect(at).toBeGreaterThan(TCP4.length);
  });
});

test('a reload says who sends a header from the next connection on', async () => {
  await serveProxied({ enable_keepalive: true });
  const before = await RawClient.tcp(served.port);
  before.write(Buffer.concat([TCP4, REQUEST]));
  await before.answers(1);
  const options = httpDriver.options.parse({ addr: '127.0.0.1:0', enable_keepalive: true });
  await (await served.frontend.prepare(options, served.logic)).commit();
  before.write(REQUEST);
  expect(await before.answers(2)).toBe(ok(COMPACT_BODY).repeat(2));
  before.close();
  const after = await RawClient.tcp(served.port);
  after.write(REQUEST);
  await after.answers(1);
  after.close();
  expect(seen).toEqual(['192.0.2.1', '192.0.2.1', '127.0.0.1']);
});

describe('stop', () => {
  test('connections that have sent nothing close at once', async () => {
    await serveProxied({ read_timeout: '60s' });
    const client = await RawClient.tcp(served.port);
    await served.frontend.stop();
    await client.closed;
    expect(connections()).toBe(0);
  });

  test('what the system has received, but nobody has accepted, is answered', async () => {
    await serveProxied({ enable_keepalive: true });
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.tcp(served.port)));
    for (const client of clients) client.write(Buffer.concat([TCP4, REQUEST]));
    const stop = served.frontend.stop();
    for (const client of clients) expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
    await stop;
  });

  test('half a header may become a whole one, and a request', async () => {
    await serveProxied({ enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    client.write(TCP4.subarray(0, 20));
    await expect.poll(connections).toBe(1);
    await nextRound();
    const stop = served.frontend.stop();
    await nextRound();
    client.write(Buffer.concat([TCP4.subarray(20), REQUEST]));
    expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
    await stop;
  });
});

describe('TLS behind the header', () => {
  const { certificate, key } = makeCertificate(mkdtempSync(join(tmpdir(), 'chihaya-proxied-')), [
    '127.0.0.1',
  ]);
  const tls = { https_addr: '127.0.0.1:0', tls_cert_path: certificate, tls_key_path: key };

  /** Writes pass through `cut`, which says in which pieces the first of them goes out. */
  async function secured(cut: (hello: Buffer) => Buffer[]): Promise<RawClient> {
    const raw: Socket = connectTcp({ port: served.port, host: '127.0.0.1', noDelay: true });
    await once(raw, 'connect');
    let first = true;
    const between = new Duplex({
      read() {},
      async write(chunk: Buffer, _, callback) {
        const pieces = first ? cut(chunk) : [chunk];
        first = false;
        for (const piece of pieces) {
          raw.write(piece);
          await nextRound();
        }
        callback();
      },
      final(callback) {
        raw.end(callback);
      },
      destroy(error, callback) {
        raw.destroy();
        callback(error);
      },
    });
    raw.on('data', (chunk) => between.push(chunk));
    raw.on('end', () => between.push(null));
    raw.on('error', () => {});
    const socket = connectTls({ socket: between, host: '127.0.0.1', ca: readFileSync(certificate) });
    const client = new RawClient(socket);
    await once(socket, 'secureConnect');
    return client;
  }

  test.each<[string, (hello: Buffer) => Buffer[]]>([
    ['in one piece with the hello', (hello) => [Buffer.concat([V2_INET, hello])]],
    ['in a piece of its own', (hello) => [TCP4, hello]],
    [
      'with half of the hello',
      (hello) => [Buffer.concat([V2_INET_TLVS, hello.subarray(0, 100)]), hello.subarray(100)],
    ],
    [
      'byte by byte',
      (hello) => [
        ...[...TCP4].map((byte) => Buffer.from([byte])),
        ...[...hello].map((byte) => Buffer.from([byte])),
      ],
    ],
  ])('%s', async (_, cut) => {
    await serveProxied({ ...tls, enable_keepalive: true, read_timeout: '10s' });
    const client = await secured(cut);
    client.write(Buffer.concat([REQUEST, REQUEST]));
    expect(await client.answers(2)).toBe(ok(COMPACT_BODY).repeat(2));
    expect(seen).toEqual(['192.0.2.1', '192.0.2.1']);
    expect(sample('chihaya_http_received_bytes_total', 'https')).toBe(2 * REQUEST.length);
    client.close();
    await expect.poll(() => sample('chihaya_http_connections', 'https')).toBe(0);
  });

  test('a handshake without a header before it is refused', async () => {
    await serveProxied(tls);
    await expect(secured((hello) => [hello])).rejects.toThrow();
    expect(refused('missing')).toBe(1);
  });

  test('a handshake that never ends is cut off', async () => {
    await serveProxied({ ...tls, read_timeout: '200ms' });
    const client = await RawClient.tcp(served.port);
    client.write(Buffer.concat([V2_INET, hex('1603010200010001fc0303')]));
    expect(await client.end()).toBe('');
    await expect.poll(() => sample('chihaya_http_timeouts_total', 'read')).toBe(1);
    await expect.poll(() => sample('chihaya_http_connections', 'https')).toBe(0);
  });
});
