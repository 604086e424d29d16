/** What is changed while the HTTP frontend runs, on connections that stay. */

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { httpDriver } from '../../../src/frontend/http/driver.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { COMPACT_BODY, get, ok, QUERY, RawClient, type Served, serve, status } from './support.ts';

const REQUEST = get(`/announce?${QUERY}`);

let served: Served;
afterEach(() => served.frontend.stop());

async function change(options: object): Promise<void> {
  const parsed = httpDriver.options.parse({ addr: '127.0.0.1:0', ...options });
  const prepared = await served.frontend.prepare(parsed, served.logic);
  await prepared.commit();
}

test('routes', async () => {
  served = await serve({ enable_keepalive: true });
  const client = await RawClient.tcp(served.port);
  client.write(REQUEST);
  await client.answers(1);
  await change({ enable_keepalive: true, announce_routes: ['/other'] });
  client.clear();
  client.write(REQUEST + get(`/other?${QUERY}`));
  expect(await client.answers(2)).toBe(status('404 Not Found', '') + ok(COMPACT_BODY));
  client.close();
});

test("keep-alive: the answer after it was turned off is the connection's last", async () => {
  served = await serve({ enable_keepalive: true });
  const client = await RawClient.tcp(served.port);
  client.write(REQUEST);
  expect(await client.answers(1)).toBe(ok(COMPACT_BODY));
  await change({});
  client.clear();
  client.write(REQUEST);
  expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
});

test('an address that is given up: its connections have one more answer', async () => {
  served = await serve({ enable_keepalive: true });
  const client = await RawClient.tcp(served.port);
  client.write(REQUEST);
  expect(await client.answers(1)).toBe(ok(COMPACT_BODY));
  await change({ enable_keepalive: true, addr: '127.0.0.2:0' });
  client.clear();
  client.write(REQUEST);
  expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
  await expect(RawClient.tcp(served.port)).rejects.toThrow('ECONNREFUSED');
});

test('whose header is believed', async () => {
  const header = { enable_keepalive: true, real_ip_header: 'X-Real-IP' };
  served = await serve({ ...header, trusted_proxies: ['192.0.2.0/24'] });
  const seen: string[] = [];
  served.logic.onAnnounce = (request) => void seen.push(request.peer.address);
  const client = await RawClient.tcp(served.port);
  const request = get(`/announce?${QUERY}`, 'X-Real-IP: 198.51.100.1');
  client.write(request);
  await client.answers(1);
  await change({ ...header, trusted_proxies: ['127.0.0.0/8'] });
  client.write(request);
  await client.answers(2);
  expect(seen).toEqual(['127.0.0.1', '198.51.100.1']);
  client.close();
});

test('timeouts: a shorter one holds for the time after the next request', async () => {
  served = await serve({ enable_keepalive: true, idle_timeout: '60s' });
  const client = await RawClient.tcp(served.port);
  client.write(REQUEST);
  await client.answers(1);
  await change({ enable_keepalive: true, idle_timeout: '40ms' });
  client.write(REQUEST);
  expect(await client.end()).toBe(ok(COMPACT_BODY).repeat(2));
});

test('a certificate: later connections are given it, those there are go on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'chihaya-reload-'));
  const { certificate, key } = makeCertificate(directory, ['127.0.0.1']);
  const options = {
    https_addr: '127.0.0.1:0',
    tls_cert_path: certificate,
    tls_key_path: key,
    enable_keepalive: true,
  };
  served = await serve(options);
  const fingerprint = (client: RawClient) => (client.socket as TLSSocket).getPeerCertificate().fingerprint256;
  const before = readFileSync(certificate);
  const client = await RawClient.tls(served.port, before);
  client.write(REQUEST);
  await client.answers(1);

  // The same paths, other files.
  makeCertificate(directory, ['127.0.0.1']);
  const parsed = httpDriver.options.parse(options);
  await (await served.frontend.prepare(parsed, served.logic)).commit();
  const later = await RawClient.tls(served.port, readFileSync(certificate));
  expect(fingerprint(later)).not.toBe(fingerprint(client));
  await expect(RawClient.tls(served.port, before)).rejects.toThrow('self-signed');
  client.write(REQUEST);
  later.write(REQUEST);
  expect(await client.answers(2)).toBe(ok(COMPACT_BODY).repeat(2));
  expect(await later.answers(1)).toBe(ok(COMPACT_BODY));
  client.close();
  later.close();
});
