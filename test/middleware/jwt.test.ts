/** The `jwt` hook with a key server that answers over HTTP; over HTTPS and UDP, and in several workers: test/e2e/jwt.test.ts. */

import { setTimeout as wait } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import type { AnnounceRequest } from '../../src/bittorrent/announce.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { ScrapeResponse } from '../../src/bittorrent/scrape.ts';
import { jwtDriver } from '../../src/middleware/jwt/driver.ts';
import { invalidJwt, missingJwt } from '../../src/middleware/jwt/hook.ts';
import type { SharedKeys } from '../../src/middleware/jwt/key-source.ts';
import { RememberedTokens } from '../../src/middleware/jwt/remembered-tokens.ts';
import type { SharedSource } from '../../src/middleware/middleware.ts';
import type { Metric } from '../../src/pkg/metrics.ts';
import { describeHook } from '../conformance/hook.ts';
import { AUDIENCE, ISSUER, KeyServer, SigningKey } from '../support/key-server.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { type OpenHook, openHook } from '../support/open-hook.ts';
import { announce, responseTo, scrape, someInfohash } from '../support/requests.ts';

const A = someInfohash('a');
const B = someInfohash('b');
const first = await SigningKey.make('first');
const second = await SigningKey.make('second');
/** Other keys under the first one's id. */
const impostor = await SigningKey.make('first');
const longer = await SigningKey.make('first', 'RS512');
const server = await KeyServer.start([first.jwk]);
afterAll(() => server.stop());

const OPTIONS = { issuer: ISSUER, audience: AUDIENCE, jwk_set_url: server.url };

/** An announce for `infohash` whose query is `query`. */
function asking(query: string, infohash = A): AnnounceRequest {
  const request = announce({ infohash });
  const bytes = Buffer.from(query, 'latin1');
  request.params.assign(bytes, 0, 0, 0, bytes.length);
  return request;
}

describeHook(jwtDriver, {
  valid: [
    OPTIONS,
    {
      ...OPTIONS,
      jwk_set_update_interval: '1h',
      algorithms: ['ES256', 'RS256', 'EdDSA'],
      header: 'Authorization',
    },
  ],
  invalid: [
    { options: { ...OPTIONS, issuer: '' }, path: 'issuer', message: 'expected text, found ""' },
    {
      options: { ...OPTIONS, audience: undefined },
      path: 'audience',
      message: 'expected text, found nothing',
    },
    {
      options: { ...OPTIONS, jwk_set_url: 'keys.json' },
      path: 'jwk_set_url',
      message: 'expected a URL of https or http',
    },
    {
      options: { ...OPTIONS, jwk_set_url: 'file:///keys' },
      path: 'jwk_set_url',
      message: 'expected a URL of https or http',
    },
    {
      options: { ...OPTIONS, jwk_set_url: 'https://u:p@a.example/' },
      path: 'jwk_set_url',
      message: 'without user and password',
    },
    {
      options: { ...OPTIONS, algorithms: ['HS256'] },
      path: 'algorithms.0',
      message: /expected one of RS256, .*, found "HS256"/,
    },
    { options: { ...OPTIONS, algorithms: ['none'] }, path: 'algorithms.0', message: 'found "none"' },
    {
      options: { ...OPTIONS, algorithms: [] },
      path: 'algorithms',
      message: 'expected at least one algorithm',
    },
    { options: { ...OPTIONS, parameter: '' }, path: 'parameter', message: 'expected text, found ""' },
    {
      options: { ...OPTIONS, jwk_set_update_interval: 'often' },
      path: 'jwk_set_update_interval',
      message: 'a duration',
    },
  ],
  announces: await Promise.all(
    Array.from({ length: 24 }, async (_, i) => {
      const query = [`jwt=${await first.token(A.hex)}`, `jwt=${await first.token(B.hex)}`, 'jwt=x', ''][
        i % 4
      ];
      return asking(query as string);
    }),
  ),
  synchronous: false,
});

describe('jwt', () => {
  let open: OpenHook;
  let logger: MemoryLogger;
  let metrics: Metric[];

  beforeEach(() => {
    server.keys = [first.jwk];
    server.instead = undefined;
    server.requests = 0;
    logger = new MemoryLogger();
    metrics = [];
  });

  afterEach(async () => {
    vi.useRealTimers();
    await open?.stop();
  });

  const start = async (options: Partial<z.input<typeof jwtDriver.options>> = {}) => {
    const registry = { register: (metric: Metric) => void metrics.push(metric) };
    open = await openHook(jwtDriver, { ...OPTIONS, ...options }, { logger, metrics: registry });
  };

  /** What the hook does with an announce: a promise if it has to wait. */
  const handle = (query: string, infohash = A, context = new RequestContext()) => {
    const request = asking(query, infohash);
    return open.hook.handleAnnounce(context, request, responseTo(request));
  };

  const refusal = async (query: string, infohash = A): Promise<unknown> => {
    try {
      await handle(query, infohash);
      return undefined;
    } catch (error) {
      return error;
    }
  };

  const counted = (name: string) =>
    Object.fromEntries(
      metrics
        .filter((metric) => metric.name === name)
        .flatMap((metric) => metric.collect())
        .map(({ labels, value }) => [labels.result, value]),
    );

  it('tells the client that a token is missing, or invalid, and no more', () => {
    expect(missingJwt.message).toBe('unapproved request: missing jwt');
    expect(invalidJwt.message).toBe('unapproved request: invalid jwt');
  });

  it('serves who shows a token for the infohash', async () => {
    await start();
    expect(await refusal(`jwt=${await first.token(A.hex)}`)).toBeUndefined();
    expect(await refusal(`a=b&JWT=${await first.token(A.hex)}&c=d`)).toBeUndefined();
    expect(await refusal(`jwt=${await first.token(A.hex.toUpperCase())}`)).toBeUndefined();
    expect(await refusal(`jwt=${await first.token(A.hex, { aud: ['x', AUDIENCE] })}`)).toBeUndefined();
    expect(await refusal(`jwt=${await first.token(A.hex, { exp: undefined })}`)).toBeUndefined();
    expect(counted('chihaya_jwt_requests_total')).toEqual({ verified: 4, remembered: 1 });
  });

  it('refuses who shows none', async () => {
    await start();
    expect(() => handle('')).toThrow(missingJwt);
    expect(() => handle(`token=${'x'.repeat(100)}`)).toThrow(missingJwt);
    expect(counted('chihaya_jwt_requests_total')).toEqual({ missing: 2 });
  });

  const now = () => Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = () => ({ iss: ISSUER, aud: AUDIENCE, exp: now() + 600, infohash: A.hex });

  it.each<[string, string, () => Promise<string> | string]>([
    ['nothing', 'malformed', () => ''],
    ['no token', 'malformed', () => 'abc'],
    ['dots', 'malformed', () => '...'],
    ['a header that is no JSON', 'malformed', () => `${Buffer.from('{').toString('base64url')}.e30.AA`],
    ['a header that is a list', 'malformed', () => `${part([])}.e30.AA`],
    ['a key id that is no text', 'malformed', () => `${part({ alg: 'RS256', kid: 1 })}.e30.AA`],
    ['no key id', 'malformed', () => first.token(A.hex, {}, { kid: undefined })],
    [
      'claims that are no JSON',
      'signature',
      async () => (await first.token(A.hex)).replace(/\..*\./, '.e30x.'),
    ],
    ['15,000 characters', 'malformed', () => 'a'.repeat(15_000)],
    ['a key that is not in the set', 'unknown key', () => second.token(A.hex)],
    ['a signature by another key', 'signature', () => impostor.token(A.hex)],
    ['no signature', 'algorithm', () => `${part({ alg: 'none', kid: 'first' })}.${part(claims())}.`],
    [
      'a signature with the public key for a secret',
      'algorithm',
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'first' })
          .sign(Buffer.from(JSON.stringify(first.jwk))),
    ],
    ['an algorithm that is not accepted', 'algorithm', () => longer.token(A.hex)],
    ['another infohash', 'infohash', () => first.token(B.hex)],
    ['no infohash', 'infohash', () => first.token(A.hex, { infohash: undefined })],
    ['an infohash that is no text', 'infohash', () => first.token(A.hex, { infohash: [A.hex] })],
    ['a part of the infohash', 'infohash', () => first.token(A.hex.slice(0, 39))],
    ['an expiry that is over', 'expired', () => first.token(A.hex, { exp: now() - 1 })],
    ['an expiry that is no number', 'issuer or audience', () => first.token(A.hex, { exp: '9999999999' })],
    ['a time to come', 'not yet valid', () => first.token(A.hex, { nbf: now() + 60 })],
    ['another issuer', 'issuer or audience', () => first.token(A.hex, { iss: 'https://other.example' })],
    ['no issuer', 'issuer or audience', () => first.token(A.hex, { iss: undefined })],
    ['another audience', 'issuer or audience', () => first.token(A.hex, { aud: 'https://other.example' })],
    ['no audience', 'issuer or audience', () => first.token(A.hex, { aud: undefined })],
    [
      'an extension that must be understood',
      'malformed',
      () => `${part({ alg: 'RS256', kid: 'first', crit: ['more'], more: 1 })}.${part(claims())}.AA`,
    ],
  ])('refuses a token with %s', async (_, result, token) => {
    await start();
    expect(await refusal(`jwt=${await token()}`)).toBe(invalidJwt);
    expect(counted('chihaya_jwt_requests_total')).toEqual({ [result]: 1 });
    expect(logger.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  it.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
    'accepts %s where it is among the algorithms',
    async (alg) => {
      const key = await SigningKey.make('this', alg);
      server.keys = [key.jwk, first.jwk];
      await start({ algorithms: [alg] });
      expect(await refusal(`jwt=${await key.token(A.hex)}`)).toBeUndefined();
      await open.stop();
      await start({ algorithms: [alg === 'RS256' ? 'ES256' : 'RS256'] });
      expect(await refusal(`jwt=${await key.token(A.hex)}`)).toBe(invalidJwt);
    },
  );

  it('finds the token under another name, and in a header', async () => {
    await start({ parameter: 'pass', header: 'X-Pass' });
    const token = await first.token(A.hex);
    expect(await refusal(`pass=${token}`)).toBeUndefined();
    expect(await refusal(`jwt=${token}`)).toBe(missingJwt);
    const withHeader = (value: string) => {
      const context = new RequestContext();
      const bytes = Buffer.from(`x-pass: ${value}\r\n\r\n`);
      context.headers.assign(bytes, 0, bytes.length);
      return context;
    };
    for (const value of [token, `Bearer ${token}`, `bearer   ${token}`]) {
      expect(await handle('', A, withHeader(value))).toBeUndefined();
    }
    await expect(handle('', A, withHeader('Basic abc'))).rejects.toBe(invalidJwt);
  });

  describe('remembers a token', () => {
    it('and lets it pass at once, for its infohash alone', async () => {
      await start();
      const token = await first.token(A.hex);
      const before = handle(`jwt=${token}`);
      expect(before).toBeInstanceOf(Promise);
      await before;
      for (let i = 0; i < 3; i++) expect(handle(`jwt=${token}`)).toBeUndefined();
      expect(await refusal(`jwt=${token}`, B)).toBe(invalidJwt);
      expect(counted('chihaya_jwt_requests_total')).toEqual({ verified: 1, remembered: 3, infohash: 1 });
    });

    it('until it expires', async () => {
      await start();
      const exp = now() + 60;
      const token = await first.token(A.hex, { exp });
      await handle(`jwt=${token}`);
      vi.useFakeTimers({ toFake: ['Date'], now: (exp - 1) * 1000 });
      expect(handle(`jwt=${token}`)).toBeUndefined();
      vi.setSystemTime(exp * 1000);
      expect(await refusal(`jwt=${token}`)).toBe(invalidJwt);
      expect(counted('chihaya_jwt_requests_total')).toEqual({ verified: 1, remembered: 1, expired: 1 });
    });

    it('until its key is taken out of the set, and not when another is added', async () => {
      await start();
      const token = await first.token(A.hex);
      await handle(`jwt=${token}`);
      server.keys = [second.jwk, first.jwk];
      await open.source?.refresh?.();
      expect(handle(`jwt=${token}`)).toBeUndefined();
      server.keys = [second.jwk];
      await open.source?.refresh?.();
      expect(await refusal(`jwt=${token}`)).toBe(invalidJwt);
      expect(await refusal(`jwt=${await second.token(A.hex)}`)).toBeUndefined();
    });

    it('until its key is replaced under the same id', async () => {
      await start();
      const token = await first.token(A.hex);
      await handle(`jwt=${token}`);
      server.keys = [impostor.jwk];
      await open.source?.refresh?.();
      expect(await refusal(`jwt=${token}`)).toBe(invalidJwt);
      expect(await refusal(`jwt=${await impostor.token(A.hex)}`)).toBeUndefined();
    });

    it('of a bounded number, the latest ones', () => {
      const tokens = new RememberedTokens();
      for (let i = 0; i < 65_537; i++) tokens.add(String(i), Number.POSITIVE_INFINITY);
      expect([tokens.has('0'), tokens.has('1'), tokens.has('65536')]).toEqual([false, true, true]);
    });
  });

  describe('the keys', () => {
    it('must be there at the start', async () => {
      server.instead = (response) => response.writeHead(503).end();
      await expect(start()).rejects.toThrow(
        `the keys cannot be fetched from ${server.url}: expected status 200, found 503`,
      );
    });

    it('are fetched every jwk_set_update_interval', async () => {
      await start({ jwk_set_update_interval: '20ms' });
      server.keys = [second.jwk];
      await expect
        .poll(() => open.source?.value)
        .toMatchObject({ keys: [expect.stringContaining('second')] });
      expect(await refusal(`jwt=${await second.token(A.hex)}`)).toBeUndefined();
    });

    it('are public: what would sign is not kept', async () => {
      const { privateKey } = await generateKeyPair('RS256', { extractable: true });
      server.keys = [
        { ...(await exportJWK(privateKey)), kid: 'careless' },
        { kty: 'oct', k: 'AAAA', kid: 'secret' },
      ];
      await start();
      const { keys } = (open.source as SharedSource<SharedKeys>).value;
      expect(keys.map((key) => Object.keys(JSON.parse(key)))).toEqual([['kty', 'kid', 'n', 'e']]);
    });

    it('of which one cannot be used: it is said once, and the others are', async () => {
      const weak = { kty: 'RSA', kid: 'weak', n: 'AQAB', e: 'AQAB' };
      server.keys = [weak, first.jwk];
      await start();
      const token = await first.token(A.hex, {}, { kid: 'weak' });
      expect(await refusal(`jwt=${token}`)).toBe(invalidJwt);
      expect(await refusal(`jwt=${token}`)).toBe(invalidJwt);
      expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
        { message: 'a key cannot be used', fields: { kid: 'weak' } },
      ]);
      expect(await refusal(`jwt=${await first.token(A.hex)}`)).toBeUndefined();
    });

    it('may all be taken back', async () => {
      await start();
      await handle(`jwt=${await first.token(A.hex)}`);
      server.keys = [];
      await open.source?.refresh?.();
      expect(await refusal(`jwt=${await first.token(A.hex)}`)).toBe(invalidJwt);
      expect(logger.lines).toContainEqual(
        expect.objectContaining({
          level: 'warn',
          message: expect.stringContaining('all tokens are refused'),
        }),
      );
    });
  });

  describe('a token whose key is not known', () => {
    it('has the keys fetched, and waits for them: rotation fails no announce', async () => {
      await start();
      server.keys = [first.jwk, second.jwk];
      const tokens = await Promise.all(Array.from({ length: 20 }, () => second.token(A.hex)));
      expect(await Promise.all(tokens.map((token) => refusal(`jwt=${token}`)))).toEqual(
        tokens.map(() => undefined),
      );
      expect(server.requests).toBe(2);
    });

    it('has them fetched every ten seconds at most', async () => {
      vi.useFakeTimers({ toFake: ['performance'] });
      await start();
      const unknown = `jwt=${await second.token(A.hex)}`;
      for (let i = 0; i < 5; i++) expect(await refusal(unknown)).toBe(invalidJwt);
      expect(server.requests).toBe(2);
      vi.advanceTimersByTime(9_999);
      expect(await refusal(unknown)).toBe(invalidJwt);
      expect(server.requests).toBe(2);
      vi.advanceTimersByTime(1);
      server.keys = [second.jwk];
      expect(await refusal(unknown)).toBeUndefined();
      expect(server.requests).toBe(3);
    });

    it('is refused when they cannot be fetched', async () => {
      await start();
      server.instead = (response) => response.destroy();
      expect(await refusal(`jwt=${await second.token(A.hex)}`)).toBe(invalidJwt);
      expect(await refusal(`jwt=${await first.token(A.hex)}`)).toBeUndefined();
    });

    it('is refused at once where a thousand wait already', async () => {
      await start();
      let answer = () => {};
      const asked = new Promise<void>((resolve) => {
        server.instead = (response) => {
          answer = () => response.end(JSON.stringify({ keys: [second.jwk] }));
          resolve();
        };
      });
      const unknown = `jwt=${await second.token(A.hex)}`;
      const outcomes: unknown[] = [];
      const all = Array.from({ length: 1_034 }, () =>
        refusal(unknown).then((outcome) => outcomes.push(outcome)),
      );
      await asked;
      expect(outcomes).toEqual(Array(10).fill(invalidJwt));
      answer();
      await Promise.all(all);
      expect(outcomes.slice(10)).toEqual(Array(1_024).fill(undefined));
    }, 60_000);
  });

  describe('a fetch that fails keeps the old keys, is logged and counted:', () => {
    it.each<[string, KeyServer['instead'], RegExp]>([
      ['status 500', (r) => r.writeHead(500).end('{"keys":[]}'), /expected status 200, found 500/],
      [
        'a redirect',
        (r) => r.writeHead(302, { location: server.url }).end(),
        /expected status 200, found 302/,
      ],
      ['no JSON', (r) => r.end('<html>'), /found no JSON/],
      ['another JSON', (r) => r.end('null'), /without a list "keys"/],
      ['keys that are no list', (r) => r.end('{"keys":{}}'), /without a list "keys"/],
      [
        'a body that breaks off',
        (r) => void r.writeHead(200, { 'content-length': 100 }).write('{', () => r.destroy()),
        /./,
      ],
      ['two megabytes', (r) => r.end(' '.repeat(2 << 20)), /expected at most 1048576 bytes, found more/],
      ['no answer', () => {}, /no complete answer within 5 s/],
      [
        'an answer that drips',
        (r) => void setInterval(() => r.write(' '), 100).unref(),
        /no complete answer within 5 s/,
      ],
    ])('%s', async (_, instead, reason) => {
      await start();
      await handle(`jwt=${await first.token(A.hex)}`);
      server.instead = instead;
      await open.source?.refresh?.();
      expect(counted('chihaya_jwt_key_fetches_total')).toEqual({ ok: 1, failed: 1 });
      const [line, ...others] = logger.lines.filter(({ level }) => level === 'error');
      expect(line?.message).toBe('the keys cannot be fetched: the old ones stay');
      expect(line?.fields.err).toMatchObject({ message: expect.stringMatching(reason) });
      expect(others).toEqual([]);
      expect(await refusal(`jwt=${await first.token(A.hex)}`)).toBeUndefined();

      server.instead = undefined;
      server.keys = [second.jwk];
      await open.source?.refresh?.();
      expect(await refusal(`jwt=${await second.token(A.hex)}`)).toBeUndefined();
    });
  });

  describe('scrapes', () => {
    const scraping = async (query: string, infohashes = [A]) => {
      const request = scrape(infohashes);
      const bytes = Buffer.from(query);
      request.params.assign(bytes, 0, 0, 0, bytes.length);
      await open.hook.handleScrape(new RequestContext(), request, new ScrapeResponse());
    };

    it('need a token only where protect_scrape says so, for each infohash', async () => {
      await start({ protect_scrape: true });
      const token = await first.token(A.hex);
      await expect(scraping('')).rejects.toBe(missingJwt);
      await expect(scraping(`jwt=${token}`, [B])).rejects.toBe(invalidJwt);
      await expect(scraping(`jwt=${token}`, [A, B])).rejects.toBe(invalidJwt);
      await expect(scraping(`jwt=${token}`, [A, A])).resolves.toBeUndefined();
      expect(handle(`jwt=${token}`)).toBeUndefined();
    });
  });

  it('a stop does not wait for a server that does not answer', async () => {
    await start();
    server.instead = () => {};
    const refreshed = open.source?.refresh?.();
    await wait(20);
    await open.stop();
    await refreshed;
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
