/** The `http` block: defaults, and one error for each mistake. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AddressRanges, isAddressRange } from '../../../src/frontend/http/address-ranges.ts';
import { httpDriver } from '../../../src/frontend/http/driver.ts';
import { checkRoute, Routes } from '../../../src/frontend/http/routes.ts';
import { parseIp } from '../../../src/pkg/ip-address.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { serve } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'chihaya-http-config-'));
const { certificate, key } = makeCertificate(folder, ['127.0.0.1']);

/** `path: message` of each mistake. */
function mistakes(options: Record<string, unknown>): string[] {
  const result = httpDriver.options.safeParse(options);
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('defaults', () => {
  expect(httpDriver.options.parse({ addr: ':6969' })).toEqual({
    addr: { host: undefined, port: 6969 },
    https_addr: undefined,
    tls_cert_path: undefined,
    tls_key_path: undefined,
    read_timeout: 2000,
    write_timeout: 2000,
    idle_timeout: 30_000,
    enable_keepalive: false,
    enable_request_timing: false,
    announce_routes: ['/announce'],
    scrape_routes: ['/scrape'],
    socket: 'auto',
    allow_ip_spoofing: false,
    real_ip_header: undefined,
    trusted_proxies: [
      '127.0.0.0/8',
      '::1/128',
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '169.254.0.0/16',
      'fc00::/7',
      'fe80::/10',
    ],
    proxy_protocol: false,
    max_numwant: 100,
    default_numwant: 50,
    max_scrape_infohashes: 50,
    source_announce_rate: 0,
    source_burst: 60_000,
  });
});

describe('mistakes', () => {
  const missing = join(folder, 'missing.pem');
  const junk = join(folder, 'junk.pem');
  writeFileSync(junk, 'junk');
  const otherFolder = mkdtempSync(join(tmpdir(), 'chihaya-http-other-'));
  const other = makeCertificate(otherFolder, ['127.0.0.1']);
  const tls = { https_addr: ':443', tls_cert_path: certificate, tls_key_path: key };

  test.each<[string, Record<string, unknown>, RegExp[]]>([
    ['no address', {}, [/^addr: expected an address in addr, https_addr or both, found neither$/]],
    ['empty addresses', { addr: '', https_addr: '' }, [/^addr: /]],
    ['an unknown key', { addr: ':1', adr: ':2' }, [/adr/]],
    [
      'HTTPS without files',
      { https_addr: ':443' },
      [/^tls_cert_path: expected the path/, /^tls_key_path: expected the path/],
    ],
    ['HTTPS without a key', { ...tls, tls_key_path: '' }, [/^tls_key_path: expected the path/]],
    [
      'files without HTTPS',
      { addr: ':1', tls_cert_path: certificate, tls_key_path: key },
      [/^tls_cert_path: expected nothing/, /^tls_key_path: expected nothing/],
    ],
    [
      'a certificate that is missing',
      { ...tls, tls_cert_path: missing },
      [/^tls_cert_path: cannot read the certificate in \S+missing\.pem: ENOENT$/],
    ],
    [
      'a key that is missing',
      { ...tls, tls_key_path: missing },
      [/^tls_key_path: cannot read the key in \S+missing\.pem: ENOENT$/],
    ],
    [
      'a certificate that is none',
      { ...tls, tls_cert_path: junk },
      [/^tls_cert_path: expected a PEM certificate in \S+junk\.pem: /],
    ],
    [
      'a key that is none',
      { ...tls, tls_key_path: junk },
      [/^tls_key_path: expected a PEM key .* in \S+junk\.pem: /],
    ],
    [
      'the key of another',
      { ...tls, tls_key_path: other.key },
      [/^tls_key_path: expected a PEM key that belongs to /],
    ],
    [
      'no announce route',
      { addr: ':1', announce_routes: [] },
      [/^announce_routes: expected at least one route/],
    ],
    [
      'a route twice',
      { addr: ':1', scrape_routes: ['/announce'] },
      [/^scrape_routes\.0: expected a route that is not listed already, found "\/announce"$/],
    ],
    [
      'a route without slash',
      { addr: ':1', scrape_routes: ['/s', 'scrape'] },
      [/^scrape_routes\.1: expected a path that begins with a slash/],
    ],
    [
      'a header that is none',
      { addr: ':1', real_ip_header: 'X Real' },
      [/^real_ip_header: expected the name of a header, found "X Real"$/],
    ],
    [
      'a range that is none',
      { addr: ':1', trusted_proxies: ['10.0.0.0/8', '10.0.0.0/33'] },
      [/^trusted_proxies\.1: expected an address range/],
    ],
    [
      'the PROXY protocol from nobody',
      { addr: ':1', proxy_protocol: true, trusted_proxies: [] },
      [/^proxy_protocol: expected false, as trusted_proxies is empty, found true$/],
    ],
    [
      'several',
      { announce_routes: ['x'], trusted_proxies: ['y'] },
      [/^announce_routes\.0/, /^trusted_proxies\.0/, /^addr/],
    ],
    [
      'several of which one is of a wrong type',
      { https_addr: ':1', tls_cert_path: 'c.pem', max_numwant: 'x', trusted_proxies: ['10.0.0.0/33', 5] },
      [
        /^trusted_proxies\.0/,
        /^trusted_proxies\.1/,
        /^max_numwant/,
        /^tls_key_path: expected the path of a PEM file/,
      ],
    ],
  ])('%s', (_, options, expected) => {
    const found = mistakes(options);
    expect(found).toHaveLength(expected.length);
    for (const [i, pattern] of expected.entries()) expect(found[i]).toMatch(pattern);
  });

  test('none', () => {
    expect(mistakes(tls)).toEqual([]);
    expect(mistakes({ addr: ':1', scrape_routes: [] })).toEqual([]);
  });
});

test('a port that is taken closes what was bound before it', async () => {
  const first = await serve();
  await expect(
    serve({
      addr: '127.0.0.1:0',
      https_addr: `127.0.0.1:${first.port}`,
      tls_cert_path: certificate,
      tls_key_path: key,
    }),
  ).rejects.toThrow(
    `cannot listen on 127.0.0.1:${first.port} for HTTPS: another process, or another part of this one, listens there (EADDRINUSE)`,
  );
  await first.frontend.stop();
});

test('an address of another host', async () => {
  await expect(serve({ addr: '192.0.2.1:0' })).rejects.toThrow(
    'cannot listen on 192.0.2.1:0 for HTTP: this host has no such address (EADDRNOTAVAIL)',
  );
});

describe('address ranges', () => {
  test.each([
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0', 'a00::']],
    ['172.16.0.0/12', ['172.16.0.0', '172.31.255.255'], ['172.15.255.255', '172.32.0.0']],
    ['192.0.2.7', ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::', '::1']],
    ['fe80::/10', ['fe80::', 'febf:ffff::1'], ['fec0::', 'fe7f::1']],
    ['2001:db8::/33', ['2001:db8:7fff::'], ['2001:db8:8000::']],
    ['::ffff:10.0.0.0/104', ['10.1.2.3'], ['11.0.0.0', '::1']],
    ['::/0', ['::1', 'ffff::'], ['10.0.0.1']],
  ])('%s', (range, inside, outside) => {
    const ranges = new AddressRanges([range]);
    const contains = (text: string) => {
      const bytes = parseIp(text) as Uint8Array;
      const mapped = text.startsWith('::ffff:');
      return ranges.contains(mapped ? bytes.subarray(12) : bytes);
    };
    for (const text of inside) expect([text, contains(text)]).toEqual([text, true]);
    for (const text of outside) expect([text, contains(text)]).toEqual([text, false]);
  });

  test.each([
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
    '10.0.0.0/-1',
    'x',
  ])('%j is none', (text) => {
    expect(isAddressRange(text)).toBe(false);
  });
});

describe('routes', () => {
  const match = (routes: Routes, path: string) => {
    const bytes = Buffer.from(`..${path}..`);
    const action = routes.match(bytes, 2, bytes.length - 2);
    return action === undefined ? undefined : [action, Object.fromEntries(routes.params)];
  };

  test.each([
    ['/announce', [0, {}]],
    ['/scrape', [1, {}]],
    ['/', undefined],
    ['', undefined],
    ['/key/announce', [0, { passkey: 'key' }]],
    ['/key/scrape', [1, { passkey: 'key' }]],
    ['//announce', undefined],
    ['/a/b/announce', undefined],
    ['/key/announce/', undefined],
    ['/t/a/b%2Fc/+', [0, { rest: '/a/b/c/+' }]],
    ['/t/', [0, { rest: '/' }]],
    ['/t', undefined],
    ['/v.1/x', [1, { __proto__: undefined, name: 'x' }]],
    ['/vX1/x', undefined],
    ['/key%/announce', undefined],
  ])('%s', (path, expected) => {
    const routes = new Routes(
      ['/:passkey/announce', '/announce', '/t/*rest'],
      ['/scrape', '/:passkey/scrape', '/v.1/:name'],
    );
    const found = match(routes, path);
    if (Array.isArray(expected)) expect(found).toEqual([expected[0], { ...(expected[1] as object) }]);
    else expect(found).toBeUndefined();
    expect(routes.badEscape).toBe(path === '/key%/announce');
  });

  test.each([
    'announce',
    '',
    '/a?b',
    '/a#b',
    '/a b',
    '/:',
    '/*',
    '/:a:b',
    '/x:a',
    '/x*',
    '/:a/:a',
    '/*rest/announce',
    '/:1',
  ])('%j is none', (route) => {
    expect(checkRoute(route)).toMatch(/./);
  });
});
