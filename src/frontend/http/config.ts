/** The `http` block of the configuration. */

import { z } from 'zod';
import { choice, duration, expected, flag, listenAddress, text, textList } from '../../pkg/options.ts';
import { requestOptions } from '../request-options.ts';
import { isAddressRange } from './address-ranges.ts';
import { CertificateError, loadCertificate } from './certificate.ts';
import { checkRoute } from './routes.ts';
import { SOCKET_KINDS } from './socket/open-socket.ts';

/** Loopback, private and link-local addresses: what no client on the internet can have. */
export const DEFAULT_TRUSTED_PROXIES = [
  '127.0.0.0/8',
  '::1/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
] as const;

export const httpOptions = z
  .strictObject({
    addr: listenAddress('Where to serve HTTP.', { example: '0.0.0.0:6969' }),
    https_addr: listenAddress('Where to serve HTTPS, such as `0.0.0.0:443`.'),
    tls_cert_path: text('The certificate for HTTPS, with its chain: a PEM file.'),
    tls_key_path: text('The key of that certificate: a PEM file.'),
    socket: choice(
      SOCKET_KINDS,
      'auto',
      "How plain connections are served: `epoll` through system calls of the tracker's own (Linux), `node` through Node, `auto` the first if the system has it.",
      { fixed: true },
    ),
    read_timeout: duration(
      '2s',
      'The most time a client has for a complete request, TLS handshake included.',
    ),
    write_timeout: duration('2s', 'The most time a client has to take its answer.'),
    idle_timeout: duration('30s', 'How long a connection is kept for another request.'),
    enable_keepalive: flag(false, 'Whether connections are kept for further requests.'),
    announce_routes: textList(
      ['/announce'],
      'Paths of announces. `:name` matches a segment, a trailing `*name` the rest.',
      checkRoute,
    ),
    scrape_routes: textList(['/scrape'], 'Paths of scrapes.', checkRoute),
    real_ip_header: text('The header in which a reverse proxy names the client, such as `X-Forwarded-For`.'),
    trusted_proxies: textList(
      DEFAULT_TRUSTED_PROXIES,
      'Address ranges of proxies: only theirs is a `real_ip_header` believed, or a header of `proxy_protocol`.',
      (range) => (isAddressRange(range) ? undefined : 'an address range such as 10.0.0.0/8 or fc00::/7'),
    ),
    proxy_protocol: flag(
      false,
      'Whether each connection from `trusted_proxies` begins with a header of the PROXY protocol, version 1 or 2.',
    ),
    ...requestOptions,
  })
  .superRefine(
    (options, context) => {
      const issue = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message });
      /** Whether none of the options has been refused for itself: of others nothing more can be said. */
      const areGood = (...keys: string[]) =>
        !context.issues.some(({ path }) => path !== undefined && keys.includes(String(path[0])));

      if (areGood('addr', 'https_addr') && !options.addr && !options.https_addr) {
        issue(['addr'], 'expected an address in addr, https_addr or both, found neither');
      }
      for (const key of ['tls_cert_path', 'tls_key_path'] as const) {
        if (!areGood(key, 'https_addr')) continue;
        if (options.https_addr && !options[key])
          issue([key], expected('the path of a PEM file, as https_addr is set', undefined));
        if (!options.https_addr && options[key])
          issue([key], expected('nothing, as https_addr is not set', options[key]));
      }
      if (areGood('https_addr', 'tls_cert_path', 'tls_key_path') && options.https_addr) {
        checkCertificate(options.tls_cert_path, options.tls_key_path, issue);
      }

      const seen = new Set<string>();
      for (const key of ['announce_routes', 'scrape_routes'] as const) {
        if (!areGood(key)) continue;
        if (key === 'announce_routes' && options[key].length === 0)
          issue([key], expected('at least one route', []));
        for (const [i, route] of options[key].entries()) {
          if (seen.has(route)) issue([key, i], expected('a route that is not listed already', route));
          seen.add(route);
        }
      }
      if (areGood('real_ip_header') && !/^[!#$%&'*+.^_`|~\w-]*$/.test(options.real_ip_header ?? '')) {
        issue(['real_ip_header'], expected('the name of a header', options.real_ip_header));
      }
      if (
        areGood('proxy_protocol', 'trusted_proxies') &&
        options.proxy_protocol &&
        options.trusted_proxies.length === 0
      ) {
        issue(['proxy_protocol'], expected('false, as trusted_proxies is empty', true));
      }
    },
    // Zod leaves such checks out where anything else is wrong; operators are told of all mistakes at once.
    { when: () => true },
  );

function checkCertificate(
  certificate: string | undefined,
  key: string | undefined,
  issue: (path: string[], message: string) => void,
): void {
  if (!certificate || !key) return;
  try {
    loadCertificate(certificate, key);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    issue([error.option], error.message);
  }
}

export type HttpOptions = z.output<typeof httpOptions>;
