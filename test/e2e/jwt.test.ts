/**
 * A registry that lets only its own content be shared: an issuer with a JWK set over HTTPS, the built tracker, and clients
 * that announce with tokens.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { announceHttp, announceUdp } from '../support/announces.ts';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { AUDIENCE, ISSUER, KeyServer, SigningKey } from '../support/key-server.ts';
import { type Host, Network, whyNoNetwork } from '../support/network.ts';
import { reservePort } from '../support/reserved-port.ts';
import { RunningProcess } from '../support/running-process.ts';
import { makeTorrent } from '../support/torrent.ts';
import { aria2, transmission, whyNoClients } from '../support/torrent-clients.ts';
import { TrackerProcess } from '../support/tracker-process.ts';

const linux = process.platform === 'linux';
const MISSING = 'unapproved request: missing jwt';
const INVALID = 'unapproved request: invalid jwt';
/** That of `announceHttp` and `announceUdp`. */
const INFOHASH = 'aa'.repeat(20);

const first = await SigningKey.make('first');
const second = await SigningKey.make('second');
const stranger = await SigningKey.make('stranger');
const seconds = () => Math.floor(Date.now() / 1000);

let directory: string;
let certificate: Certificate;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chihaya-jwt-'));
  certificate = makeCertificate(directory, ['127.0.0.1', '10.77.0.1']);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const hook = (url: string, options: object = {}) => ({
  name: 'jwt',
  options: { issuer: ISSUER, audience: AUDIENCE, jwk_set_url: url, ...options },
});

describe.each(linux ? [1, 2] : [1])('with workers: %i', (workers) => {
  const start = async (options: object = {}) => {
    const keys = await KeyServer.start([first.jwk], { certificate });
    onTestFinished(() => keys.stop());
    const tracker = await TrackerProcess.start(
      {
        workers,
        metrics_addr: '127.0.0.1:0',
        http: { addr: '127.0.0.1:0' },
        udp: { addr: '127.0.0.1:0', private_key: 'of no use outside of this test' },
        prehooks: [hook(keys.url, options)],
      },
      undefined,
      { NODE_EXTRA_CA_CERTS: certificate.certificate },
    );
    onTestFinished(() => tracker.stop());
    return { keys, tracker };
  };

  /** What a client is told over HTTP and over UDP (BEP 41), which is the same. */
  const told = async (tracker: TrackerProcess, token: string | undefined) => {
    const query = token === undefined ? '' : `?jwt=${token}`;
    const http = await announceHttp(new URL(`/announce${query}`, tracker.address('http')));
    const udp = await announceUdp(tracker.address('udp'), `/announce${query}`);
    expect(udp.failure).toBe(http.failure);
    return http.failure;
  };

  it('a token is looked at alike over HTTP and UDP', async () => {
    const { keys, tracker } = await start();
    const token = await first.token(INFOHASH);
    // Often enough to reach each worker.
    for (let i = 0; i < 8; i++) expect(await told(tracker, token)).toBeUndefined();
    expect(await told(tracker, undefined)).toBe(MISSING);
    expect(await told(tracker, 'x')).toBe(INVALID);
    expect(await told(tracker, await first.token('bb'.repeat(20)))).toBe(INVALID);
    expect(await told(tracker, await first.token(INFOHASH, { exp: seconds() - 1 }))).toBe(INVALID);
    // Once, however many threads there are; and once more for the stranger's key, which nobody knows.
    expect(keys.requests).toBe(1);
    expect(await told(tracker, await stranger.token(INFOHASH))).toBe(INVALID);
    expect(keys.requests).toBe(2);
    const scrape = await fetch(new URL(`/scrape?info_hash=${'%AA'.repeat(20)}`, tracker.address('http')));
    expect(await scrape.text()).toContain('10:incompletei1e');
    expect(tracker.problems()).toEqual([]);

    const metrics = await (await fetch(tracker.metrics as string)).text();
    expect(metrics).toMatch(/^chihaya_jwt_requests_total\{result="expired"\} 2$/m);
    expect(metrics).toMatch(/^chihaya_jwt_key_fetches_total\{result="ok"\} 2$/m);
    expect(metrics).toMatch(/^chihaya_jwt_keys 1$/m);
    expect(metrics).toContain(`action="announce",address_family="IPv4",error="${MISSING}"`);
  });

  it('in a header', async () => {
    const { tracker } = await start({ header: 'Authorization' });
    const headers = { authorization: `Bearer ${await first.token(INFOHASH)}` };
    expect((await announceHttp(tracker.address('http'), { headers })).failure).toBeUndefined();
    expect((await announceHttp(tracker.address('http'))).failure).toBe(MISSING);
  });

  it('keys rotate, and no announce fails', async () => {
    const { keys, tracker } = await start();
    const old = await first.token(INFOHASH);
    let rotated = false;
    let answers = 0;
    const announcing = async (token: string, until: () => boolean) => {
      while (!until()) {
        expect(await told(tracker, token)).toBeUndefined();
        answers++;
      }
    };
    const before = Promise.all(Array.from({ length: 4 }, () => announcing(old, () => rotated)));
    await expect.poll(() => answers).toBeGreaterThan(20);

    // The new key is used in the very moment that it is published.
    keys.keys = [first.jwk, second.jwk];
    const young = await Promise.all(
      Array.from({ length: 8 }, (_, i) => second.token(INFOHASH, { jti: String(i) })),
    );
    expect(await Promise.all(young.map((token) => told(tracker, token)))).toEqual(young.map(() => undefined));
    rotated = true;
    await before;

    // The old key is taken back.
    keys.keys = [second.jwk];
    process.kill(tracker.process.pid, 'SIGHUP');
    await expect
      .poll(async () => (await Promise.all(Array.from({ length: 8 }, () => told(tracker, old)))).join())
      .toBe(Array(8).fill(INVALID).join());
    for (const token of young) expect(await told(tracker, token)).toBeUndefined();
    expect(tracker.problems().filter(({ signal }) => signal !== 'SIGHUP')).toEqual([]);
  });

  it('an issuer that is away is missed by nobody who has a token', async () => {
    const { keys, tracker } = await start({ jwk_set_update_interval: '100ms' });
    await keys.stop();
    await tracker.process.waitFor(
      /"level":"error".*"component":"jwt".*the keys cannot be fetched: the old ones stay/,
      5_000,
    );
    expect(await told(tracker, await first.token(INFOHASH))).toBeUndefined();
  });
});

describe('without keys there is no start:', () => {
  const starting = (url: string, env: Record<string, string> = {}) =>
    TrackerProcess.start({ http: { addr: '127.0.0.1:0' }, prehooks: [hook(url)] }, undefined, env);

  it('nobody answers', async () => {
    const { port, release } = await reservePort();
    onTestFinished(release);
    const url = `http://127.0.0.1:${port}/keys`;
    await expect(starting(url)).rejects.toThrow(
      `the tracker did not start: jwt: the keys cannot be fetched from ${url}: connect ECONNREFUSED`,
    );
  });

  it('a certificate that nobody vouches for', async () => {
    const keys = await KeyServer.start([first.jwk], { certificate });
    onTestFinished(() => keys.stop());
    await expect(starting(keys.url)).rejects.toThrow(
      `the tracker did not start: jwt: the keys cannot be fetched from ${keys.url}: self-signed certificate`,
    );
  });
});

const obstacle = whyNoNetwork() ?? whyNoClients([aria2, transmission]);

describe.skipIf(obstacle)('real clients', () => {
  let network: Network;
  let tracker: TrackerProcess;
  let issuer: RunningProcess;
  let set: string;

  /** Clients unchoke each other in turns of ten seconds. */
  const TIMEOUT = 60_000;

  beforeAll(async () => {
    network = new Network(14);
    const { namespace } = network.tracker;
    set = join(directory, 'keys.json');
    await writeFile(set, JSON.stringify({ keys: [first.jwk] }));
    // Where the tracker is, the tests are not: the issuer is a process of its own.
    const script = `
      const { readFileSync } = require('node:fs');
      const [cert, key] = ${JSON.stringify([certificate.certificate, certificate.key])}.map((path) => readFileSync(path));
      require('node:https')
        .createServer({ cert, key }, (_, response) => response.end(readFileSync(${JSON.stringify(set)})))
        .listen(8443, '10.77.0.1', () => console.log('issuing'));`;
    issuer = new RunningProcess({ file: process.execPath, args: ['-e', script], namespace });
    await issuer.waitFor(/issuing/, 10_000);
    tracker = await TrackerProcess.start(
      {
        workers: linux ? 2 : 1,
        announce_interval: '3s',
        min_announce_interval: '1s',
        http: {
          addr: ':6969',
          https_addr: ':6970',
          tls_cert_path: certificate.certificate,
          tls_key_path: certificate.key,
        },
        prehooks: [hook('https://10.77.0.1:8443/keys', { jwk_set_update_interval: '500ms' })],
      },
      namespace,
      { NODE_EXTRA_CA_CERTS: certificate.certificate },
    );
  });

  afterAll(async () => {
    await tracker?.stop();
    await issuer?.stop();
    network?.close();
  });

  const content = randomBytes(100_000);

  /** A directory with a torrent whose announce URL has `token`. */
  const prepare = async (
    name: string,
    base: string,
    token: (infohash: string) => Promise<string> | undefined,
  ) => {
    const home = join(directory, name);
    const paths = { torrent: join(home, 't.torrent'), full: join(home, 'full'), empty: join(home, 'empty') };
    for (const path of [paths.full, paths.empty]) await mkdir(path, { recursive: true });
    const { infohash } = makeTorrent(name, content, '');
    const jwt = await token(infohash);
    const { file } = makeTorrent(name, content, jwt === undefined ? base : `${base}?jwt=${jwt}`);
    await writeFile(paths.torrent, file);
    await writeFile(join(paths.full, name), content);
    return { home, ...paths };
  };

  const downloads = async (
    name: string,
    clients: typeof aria2,
    base: string,
    hosts: readonly [Host, Host],
    key: SigningKey,
  ) => {
    const { home, torrent, full, empty } = await prepare(name, base, (infohash) => key.token(infohash));
    const authority = base.startsWith('https') ? certificate.certificate : undefined;
    const start = (host: Host, path: string) =>
      clients.start({
        namespace: host.namespace,
        directory: join(home, host.namespace),
        content: path,
        torrent,
        authority,
      });
    const seeder = await start(hosts[0], full);
    const leecher = await start(hosts[1], empty);
    try {
      await leecher.waitFor(clients.complete, TIMEOUT).catch((error: Error) => {
        throw new Error(`${error.message}\n\nThe seeder said:\n${seeder.output}`);
      });
      expect((await readFile(join(empty, name))).equals(content)).toBe(true);
    } finally {
      await Promise.all([seeder, leecher].map((client) => client.stop('SIGTERM', 2_000)));
    }
  };

  const hosts = (from: number) => network.clients.slice(from, from + 2) as [Host, Host];

  it.concurrent(
    'aria2 downloads with a token, over HTTP',
    () => downloads('aria2-http', aria2, 'http://10.77.0.1:6969/announce', hosts(0), first),
    90_000,
  );

  it.concurrent(
    'Transmission downloads with a token, over HTTPS',
    () => downloads('transmission-https', transmission, 'https://10.77.0.1:6970/announce', hosts(2), first),
    90_000,
  );

  const REFUSED: readonly [
    string,
    typeof aria2,
    (infohash: string) => Promise<string> | undefined,
    string,
  ][] = [
    ['a token for another infohash', aria2, () => first.token('00'.repeat(20)), INVALID],
    ['an expired one', transmission, (infohash) => first.token(infohash, { exp: seconds() - 60 }), INVALID],
    ['one signed by an unknown key', aria2, (infohash) => stranger.token(infohash), INVALID],
    ['none at all', transmission, () => undefined, MISSING],
    ['none at all', aria2, () => undefined, MISSING],
  ];

  it.concurrent.each(REFUSED.map(([what, { name }], i) => [name, what, i] as const))(
    '%s is told why with %s',
    async (_client, _what, i) => {
      const [, client, token, text] = REFUSED[i] as (typeof REFUSED)[number];
      const host = network.clients[4 + i] as Host;
      const { home, torrent, full } = await prepare(`refused-${i}`, 'http://10.77.0.1:6969/announce', token);
      const { namespace } = host;
      const started = await client.start({
        namespace,
        directory: join(home, 'client'),
        content: full,
        torrent,
      });
      try {
        await started.waitFor(new RegExp(text), 30_000);
      } finally {
        await started.stop('SIGTERM', 2_000);
      }
    },
    60_000,
  );

  it('aria2 and Transmission download with tokens of the key that came by rotation', async () => {
    await writeFile(set, JSON.stringify({ keys: [first.jwk, second.jwk] }));
    // A stranger may just have had the keys fetched: an issuer waits, too, before it uses a new one.
    await tracker.process.waitFor(/"keys":\["first","second"\]/, 10_000);
    await Promise.all([
      downloads('rotated-aria2', aria2, 'http://10.77.0.1:6969/announce', hosts(10), second),
      downloads('rotated-transmission', transmission, 'http://10.77.0.1:6969/announce', hosts(12), second),
    ]);
  }, 90_000);

  it('leave the tracker running, with nothing to complain of', () => {
    expect(tracker.alive).toBe(true);
    expect(tracker.problems()).toEqual([]);
  });
});
