/** HTTPS: the same over TLS, and what TLS adds. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { makeCertificate } from '../../support/certificate.ts';
import { COMPACT_BODY, get, nextRound, ok, QUERY, RawClient, type Served, serve, status } from './support.ts';

const { certificate, key } = makeCertificate(mkdtempSync(join(tmpdir(), 'chihaya-https-')), ['127.0.0.1']);
const ca = readFileSync(certificate);
const TLS = { https_addr: '127.0.0.1:0', tls_cert_path: certificate, tls_key_path: key };
const REQUEST = get(`/announce?${QUERY}`);

let served: Served;
afterEach(() => served.frontend.stop());

function requests(scheme: string): number | undefined {
  return served.metrics
    .find(({ name }) => name === 'chihaya_http_requests_total')
    ?.collect()
    .find(({ labels }) => labels.scheme === scheme)?.value;
}

test('an announce', async () => {
  served = await serve(TLS);
  expect(served.frontend.addresses[0]?.protocol).toBe('https');
  const client = await RawClient.tls(served.port, ca);
  client.write(REQUEST);
  expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
});

test('pipelined, in pieces, kept alive', async () => {
  served = await serve({ ...TLS, enable_keepalive: true });
  const client = await RawClient.tls(served.port, ca);
  const bytes = REQUEST.repeat(50);
  for (let at = 0; at < bytes.length; at += 601) {
    client.write(bytes.slice(at, at + 601));
    await nextRound();
  }
  expect(await client.answers(50)).toBe(ok(COMPACT_BODY).repeat(50));
  client.close();
});

test('HTTP and HTTPS at once, told apart in the metrics', async () => {
  served = await serve({ ...TLS, addr: '127.0.0.1:0', enable_keepalive: true });
  const [http, https] = served.frontend.addresses;
  expect([http?.protocol, https?.protocol]).toEqual(['http', 'https']);
  const plain = await RawClient.tcp(http?.port as number);
  const secure = await RawClient.tls(https?.port as number, ca);
  plain.write(REQUEST);
  await plain.answers(1);
  secure.write(REQUEST + get('/nowhere'));
  expect(await secure.answers(2)).toBe(ok(COMPACT_BODY) + status('404 Not Found', ''));
  expect([requests('http'), requests('https')]).toEqual([1, 2]);
  plain.close();
  secure.close();
});

test('a large answer arrives whole before the connection closes', async () => {
  served = await serve({ ...TLS, max_numwant: 100_000 });
  served.logic.peers = Array(100_000).fill('192.0.2.1');
  const client = await RawClient.tls(served.port, ca);
  client.write(get(`/announce?${QUERY}`));
  expect(await client.end()).toBe(
    ok(
      `d8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e5:peers600000:${'\xc0\x00\x02\x01\x1a\xe1'.repeat(100_000)}e`,
      'close',
    ),
  );
});

test('TLS 1.2 will do, TLS 1.1 will not', async () => {
  served = await serve(TLS);
  const negotiate = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
    new Promise<string>((resolve) => {
      const socket = connectTls({
        port: served.port,
        host: '127.0.0.1',
        ca,
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      socket.on('error', () => resolve('refused'));
      socket.on('secureConnect', () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
    });
  expect(await negotiate('TLSv1.3')).toBe('TLSv1.3');
  expect(await negotiate('TLSv1.2')).toBe('TLSv1.2');
  expect(await negotiate('TLSv1.1')).toBe('refused');
});

test('what is not TLS ends that connection and no other', async () => {
  served = await serve({ ...TLS, enable_keepalive: true });
  const good = await RawClient.tls(served.port, ca);
  for (const bytes of [REQUEST, '\x16\x03\x01\x00\x05hello', '\x16\x03\x03\xff\xff', '\0'.repeat(100)]) {
    const client = await RawClient.tcp(served.port);
    client.write(bytes);
    client.socket.end();
    await client.closed;
  }
  const reset = await RawClient.tcp(served.port);
  reset.write('\x16\x03\x01');
  await nextRound();
  reset.socket.resetAndDestroy();
  good.write(REQUEST);
  expect(await good.answers(1)).toBe(ok(COMPACT_BODY));
  good.close();
});

test('a handshake that never ends is cut off by read_timeout, though bytes keep coming', async () => {
  served = await serve({ ...TLS, read_timeout: '300ms' });
  const silent = connectTcp({ port: served.port, host: '127.0.0.1' });
  const dripping = connectTcp({ port: served.port, host: '127.0.0.1' });
  const closed = [silent, dripping].map((socket) => {
    socket.on('error', () => {});
    socket.resume();
    return new Promise((resolve) => socket.on('close', resolve));
  });
  // A record that announces 512 bytes of hello, which come one by one.
  dripping.write(Buffer.from('1603010200010001fc0303', 'hex'));
  const timer = setInterval(() => dripping.write('\0'), 20);
  const start = performance.now();
  await Promise.all(closed);
  clearInterval(timer);
  expect(performance.now() - start).toBeGreaterThan(250);
  expect(performance.now() - start).toBeLessThan(2000);
});

test('stop ends idle TLS connections with a proper close', async () => {
  served = await serve({ ...TLS, enable_keepalive: true, idle_timeout: '60s' });
  const client = await RawClient.tls(served.port, ca);
  client.write(REQUEST);
  await client.answers(1);
  await served.frontend.stop();
  await client.closed;
  expect(client.socket.readableEnded).toBe(true);
});
