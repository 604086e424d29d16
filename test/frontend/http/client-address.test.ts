/** Whose address counts: spoofing, the proxy header, the connection. */

import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { failure, get, nextRound, QUERY, RawClient, roundTrip, type Served, serve } from './support.ts';

let served: Served;
afterEach(() => served.frontend.stop());

/** The address that the logic is told, or the failure. */
async function seenWith(
  options: Record<string, unknown>,
  query: string,
  ...fields: string[]
): Promise<string> {
  served = await serve(options);
  let seen = '';
  served.logic.onAnnounce = (request) => {
    seen = `${request.peer.address}${request.ipProvided ? ' provided' : ''}`;
  };
  const text = await roundTrip(served.port, get(`/announce?${QUERY}${query}`, ...fields));
  if (text === failure('failed to parse peer IP address')) return 'refused';
  return seen;
}

describe('spoofing', () => {
  test.each([
    ['', '127.0.0.1'],
    ['&ip=192.0.2.1', '192.0.2.1 provided'],
    ['&ipv6=2001:db8::1', '2001:db8::1 provided'],
    ['&ipv6=2001:db8::1&ipv4=192.0.2.2', '192.0.2.2 provided'],
    ['&ipv4=192.0.2.2&IP=192.0.2.3&ipv6=2001:db8::1', '192.0.2.3 provided'],
    ['&ip=192.0.2.1&ip=192.0.2.4', '192.0.2.4 provided'],
    ['&ip=::ffff:192.0.2.1', '192.0.2.1 provided'],
    ['&ip=2001%3Adb8%3A%3A1', '2001:db8::1 provided'],
    ['&ip=', '127.0.0.1'],
    ['&ip=0.0.0.0', '127.0.0.1'],
    ['&ip=::', '127.0.0.1'],
    ['&ip=0.0.0.0&ipv6=2001:db8::1', '2001:db8::1 provided'],
    ['&ip=localhost', 'refused'],
    ['&ip=1.2.3', 'refused'],
    ['&ip=0x7f.1.1.1', 'refused'],
    ['&ip=192.0.2.1:80', 'refused'],
    [`&ip=${'1'.repeat(5000)}`, 'refused'],
  ])('allowed: %s', async (query, expected) => {
    expect(await seenWith({ allow_ip_spoofing: true }, query)).toBe(expected);
  });

  test('not allowed: what the client says of itself is not even read', async () => {
    expect(await seenWith({}, '&ip=192.0.2.1&ipv4=junk&ipv6=junk')).toBe('127.0.0.1');
  });
});

describe('the header of a proxy', () => {
  const header = { real_ip_header: 'X-Forwarded-For' };

  test.each([
    [['X-Forwarded-For: 192.0.2.1'], '192.0.2.1'],
    [['x-forwarded-FOR:192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 2001:db8::1'], '2001:db8::1'],
    [['X-Forwarded-For: ::ffff:192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 198.51.100.1, 192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 198.51.100.1, 192.0.2.1 , 10.0.0.1,fe80::1'], '192.0.2.1'],
    [['X-Forwarded-For: junk, 192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 198.51.100.1', 'X: y', 'X-Forwarded-For: 192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 10.0.0.1'], '192.0.2.1'],
    [['X-Forwarded-For: 10.0.0.7, 10.0.0.1'], '10.0.0.7'],
    [['X-Forwarded-For:'], '127.0.0.1'],
    [[], '127.0.0.1'],
    [['X-Forwarded: 192.0.2.1'], '127.0.0.1'],
    [['X-Forwarded-For: 192.0.2.1, junk'], 'refused'],
    [['X-Forwarded-For: unknown'], 'refused'],
  ])('%j from a trusted proxy', async (fields, expected) => {
    expect(await seenWith(header, '', ...fields)).toBe(expected);
  });

  test('from anybody else it is not believed', async () => {
    expect(
      await seenWith({ ...header, trusted_proxies: ['192.0.2.0/24'] }, '', 'X-Forwarded-For: 192.0.2.1'),
    ).toBe('127.0.0.1');
    await served.frontend.stop();
    expect(await seenWith({ ...header, trusted_proxies: [] }, '', 'X-Forwarded-For: 192.0.2.1')).toBe(
      '127.0.0.1',
    );
  });

  test('not configured it is not read', async () => {
    expect(await seenWith({}, '', 'X-Forwarded-For: 192.0.2.1')).toBe('127.0.0.1');
  });

  test('an address that the client names goes first, where spoofing is allowed', async () => {
    expect(
      await seenWith({ ...header, allow_ip_spoofing: true }, '&ip=192.0.2.9', 'X-Forwarded-For: 192.0.2.1'),
    ).toBe('192.0.2.9 provided');
  });

  test('the header of one request is forgotten for the next, in pieces or not', async () => {
    served = await serve({ ...header, enable_keepalive: true });
    const seen: string[] = [];
    served.logic.onAnnounce = (request) => {
      seen.push(request.peer.address);
    };
    const client = await RawClient.tcp(served.port);
    const forwarded = get(`/announce?${QUERY}`, 'X-Forwarded-For: 198.51.100.1, 192.0.2.1', 'X: y');
    const bytes = forwarded + get(`/announce?${QUERY}`) + forwarded;
    let count = 0;
    for (let at = 1; at < bytes.length; at += 3) {
      client.write(bytes.slice(0, at));
      await nextRound();
      client.write(bytes.slice(at));
      count += 3;
      await client.answers(count);
    }
    expect(count).toBeGreaterThan(300);
    expect(seen).toEqual(
      Array(count / 3)
        .fill(['192.0.2.1', '127.0.0.1', '192.0.2.1'])
        .flat(),
    );
    client.close();
  });
});

describe('sockets of both families', () => {
  const ipv6 = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ address }) => address === '::1'),
  );

  test.skipIf(!ipv6).each([':0', '[::]:0'])('%s', async (addr) => {
    served = await serve({ addr });
    expect(served.frontend.addresses).toEqual([{ protocol: 'http', host: '::', port: served.port }]);
    const seen: string[] = [];
    served.logic.onAnnounce = (request) => {
      seen.push(`${request.peer.family} ${request.peer.address}`);
    };
    for (const host of ['127.0.0.1', '::1']) {
      const client = await RawClient.tcp(served.port, host);
      client.write(get(`/announce?${QUERY}`));
      await client.end();
    }
    expect(seen).toEqual(['4 127.0.0.1', '6 ::1']);
  });
});
