/** How often a source may ask over HTTP; time passes when the test says so. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { httpDriver } from '../../../src/frontend/http/driver.ts';
import {
  COMPACT_BODY,
  failure,
  get,
  ok,
  QUERY,
  RawClient,
  roundTrip,
  type Served,
  serve,
} from './support.ts';

const REFUSED = ok('d14:failure reason17:too many requests8:retry ini1ee', 'close');
const ANSWERED = ok(COMPACT_BODY, 'close');
const ANNOUNCE = get(`/announce?${QUERY}`);

let served: Served;
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_767_225_600_000 }));
afterEach(async () => {
  vi.useRealTimers();
  await served.frontend.stop();
});

const ask = (request: string) => roundTrip(served.port, request);
const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

/** How many of `count` requests, a connection each, are not refused. */
async function askMany(request: string, count: number): Promise<number> {
  let answered = 0;
  for (let i = 0; i < count; i++) if ((await ask(request)) !== REFUSED) answered++;
  return answered;
}

/** Values other than 0 of a metric, by the values of its labels. */
function counted(name: string, suffix?: string): Record<string, number> {
  const samples = served.metrics.find((metric) => metric.name === name)?.collect() ?? [];
  return Object.fromEntries(
    samples
      .filter((sample) => sample.value !== 0 && sample.suffix === suffix)
      .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
  );
}

test('announces and scrapes count together; those over the limit are told when to ask again', async () => {
  served = await serve({ source_announce_rate: 1, source_burst: '3s' });
  expect(await ask(ANNOUNCE)).toBe(ANSWERED);
  expect(await ask(get(`/scrape?${QUERY}`))).toContain('d5:files');
  expect(await ask(ANNOUNCE)).toBe(ANSWERED);
  expect(await ask(ANNOUNCE)).toBe(REFUSED);
  expect(await ask(get(`/scrape?${QUERY}`))).toBe(REFUSED);
  // What is no request to the tracker does not count, what is wrong with one is not looked at.
  expect(await ask(get('/elsewhere'))).toContain('404');
  expect(await ask(get('/announce?%zz'))).toBe(REFUSED);
  expect(served.logic.calls.filter((call) => call === 'handle')).toHaveLength(2);
  expect(counted('chihaya_http_response_duration_milliseconds', '_count')).toEqual({
    'announce IPv4 ': 2,
    'scrape IPv4 ': 1,
    'announce IPv4 too many requests': 2,
    'scrape IPv4 too many requests': 1,
  });
  expect(counted('chihaya_rate_limit_sources')).toEqual({ 'http announces': 1 });
  pass(1000);
  expect(await ask(ANNOUNCE)).toBe(ANSWERED);
  expect(await ask(ANNOUNCE)).toBe(REFUSED);
});

test('requests that are wrong count, too', async () => {
  served = await serve({ source_announce_rate: 1, source_burst: '2s' });
  expect(await ask(get('/announce?%zz'))).toBe(failure('invalid query escape'));
  expect(await ask(get('/announce?port=1'))).toBe(failure('no info_hash parameter supplied'));
  expect(await ask(ANNOUNCE)).toBe(REFUSED);
});

test('a connection that is kept counts like others, and stays', async () => {
  served = await serve({ source_announce_rate: 1, source_burst: '2s', enable_keepalive: true });
  const client = await RawClient.tcp(served.port);
  client.write(ANNOUNCE.repeat(4));
  const refused = ok('d14:failure reason17:too many requests8:retry ini1ee');
  expect(await client.answers(4)).toBe(ok(COMPACT_BODY).repeat(2) + refused.repeat(2));
  pass(1000);
  client.clear();
  client.write(ANNOUNCE);
  expect(await client.answers(1)).toBe(ok(COMPACT_BODY));
  client.close();
});

test('behind a trusted proxy its clients are the sources', async () => {
  served = await serve({
    source_announce_rate: 1,
    source_burst: '2s',
    real_ip_header: 'X-Forwarded-For',
    trusted_proxies: ['127.0.0.0/8'],
  });
  const from = (address: string) => get(`/announce?${QUERY}`, `X-Forwarded-For: ${address}`);
  expect(await askMany(from('192.0.2.1'), 4)).toBe(2);
  expect(await askMany(from('192.0.2.2'), 4)).toBe(2);
  // What stands before the address that the proxy adds is the client's to choose.
  expect(await askMany(from('203.0.113.1, 192.0.2.1'), 2)).toBe(0);
  expect(await askMany(from('2001:db8:0:1::1'), 2)).toBe(2);
  expect(await askMany(from('2001:db8:0:1:9::9'), 2)).toBe(0);
  expect(await askMany(from('2001:db8:0:2::1'), 2)).toBe(2);
  // An address that is none names nobody, the proxy least of all.
  for (let i = 0; i < 5; i++)
    expect(await ask(from('junk'))).toBe(failure('failed to parse peer IP address'));
  expect(counted('chihaya_rate_limit_sources')).toEqual({ 'http announces': 4 });
  expect(await askMany(ANNOUNCE, 4)).toBe(2);
});

test('behind a PROXY header the address that it names is the source', async () => {
  served = await serve({
    source_announce_rate: 1,
    source_burst: '2s',
    proxy_protocol: true,
    trusted_proxies: ['127.0.0.0/8'],
  });
  const from = (address: string) => `PROXY TCP4 ${address} 127.0.0.1 1234 6969\r\n${ANNOUNCE}`;
  expect(await askMany(from('192.0.2.1'), 4)).toBe(2);
  expect(await askMany(from('192.0.2.2'), 4)).toBe(2);
  expect(counted('chihaya_rate_limit_sources')).toEqual({ 'http announces': 2 });
});

test('nobody else is believed, nor are the addresses that clients name', async () => {
  served = await serve({
    source_announce_rate: 1,
    source_burst: '2s',
    real_ip_header: 'X-Forwarded-For',
    trusted_proxies: ['192.0.2.0/24'],
    allow_ip_spoofing: true,
  });
  let answered = 0;
  for (let i = 0; i < 5; i++) {
    answered += await askMany(
      get(`/announce?${QUERY}&ip=192.0.2.${i + 1}`, `X-Forwarded-For: 10.0.0.${i}`),
      1,
    );
  }
  expect(answered).toBe(2);
  expect(counted('chihaya_rate_limit_sources')).toEqual({ 'http announces': 1 });
});

test('without a limit, as it ships, nothing is refused', async () => {
  served = await serve({ enable_keepalive: true });
  const client = await RawClient.tcp(served.port);
  client.write(ANNOUNCE.repeat(500));
  expect(await client.answers(500)).toBe(ok(COMPACT_BODY).repeat(500));
  expect(counted('chihaya_rate_limit_sources')).toEqual({});
  client.close();
});

test('a reload changes the limit at once, on connections that stay, and forgets nobody', async () => {
  const change = async (options: object) => {
    const parsed = httpDriver.options.parse({ addr: '127.0.0.1:0', enable_keepalive: true, ...options });
    await (await served.frontend.prepare(parsed, served.logic)).commit();
  };
  const answered = async (count: number) => {
    client.clear();
    client.write(ANNOUNCE.repeat(count));
    return (await client.answers(count)).split('8:complete').length - 1;
  };
  served = await serve({ source_announce_rate: 1, source_burst: '3s', enable_keepalive: true });
  const client = await RawClient.tcp(served.port);
  expect(await answered(5)).toBe(3);
  await change({ source_announce_rate: 1, source_burst: '5s' });
  expect(await answered(5)).toBe(2);
  await change({});
  expect(await answered(50)).toBe(50);
  await change({ source_announce_rate: 1, source_burst: '3s' });
  expect(await answered(5)).toBe(3);
  client.close();
});
