/**
 * Real clients, real downloads. In each test one client has a file and another wants it; all that
 * either knows of the other is what the tracker told it.
 */

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bdecode } from '../support/bencode.ts';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { type Host, Network, whyNoNetwork } from '../support/network.ts';
import { RunningProcess } from '../support/running-process.ts';
import { makeTorrent } from '../support/torrent.ts';
import { aria2, type TorrentClient, transmission, whyNoClients } from '../support/torrent-clients.ts';
import { TrackerProcess } from '../support/tracker-process.ts';

/** Clients unchoke each other in turns of ten seconds. */
const DOWNLOAD_TIMEOUT = 60_000;
const TEST_TIMEOUT = 90_000;

const ANNOUNCE = {
  http: 'http://10.77.0.1:6969/announce',
  https: 'https://10.77.0.1:6970/announce',
  udp: 'udp://10.77.0.1:6969/announce',
  'http, IPv6': 'http://[fd77::1]:6969/announce',
  'https, IPv6': 'https://[fd77::1]:6970/announce',
};

type Way = keyof typeof ANNOUNCE;

const SCENARIOS: readonly (readonly [Way, TorrentClient, TorrentClient])[] = [
  ['http', aria2, aria2],
  ['http', transmission, transmission],
  ['http', aria2, transmission],
  ['https', aria2, aria2],
  ['https', transmission, transmission],
  ['udp', aria2, aria2],
  ['udp', transmission, transmission],
  ['udp', transmission, aria2],
  ['http, IPv6', aria2, aria2],
  ['http, IPv6', transmission, transmission],
  ['https, IPv6', aria2, transmission],
];

const obstacle = whyNoNetwork() ?? whyNoClients([aria2, transmission]);

if (obstacle) {
  it.skipIf(process.env.CI !== 'true')(`real clients cannot be tested: ${obstacle}`, () => {
    throw new Error(obstacle);
  });
}

describe.skipIf(obstacle)('real clients', () => {
  let directory: string;
  let network: Network;
  let tracker: TrackerProcess;
  let certificate: Certificate;
  const refused = randomBytes(50_000);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chihaya-clients-'));
    network = new Network(2 * SCENARIOS.length + 2);
    certificate = makeCertificate(directory, [network.tracker.ipv4, network.tracker.ipv6]);
    tracker = await TrackerProcess.start(
      {
        // Both clients start at once: whoever announces first is told of the other soon.
        announce_interval: '3s',
        min_announce_interval: '1s',
        http: {
          addr: ':6969',
          https_addr: ':6970',
          tls_cert_path: certificate.certificate,
          tls_key_path: certificate.key,
        },
        udp: { addr: ':6969', private_key: 'of no use outside of this test' },
        prehooks: [
          {
            name: 'torrent approval',
            options: { blacklist: [makeTorrent('refused', refused, '').infohash] },
          },
        ],
      },
      network.tracker.namespace,
    );
  });

  afterAll(async () => {
    await tracker?.stop();
    network?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** A directory with a .torrent file in it, an empty one for a leecher and one with the content. */
  const prepare = async (name: string, content: Buffer, announce: string) => {
    const home = join(directory, name);
    const paths = { torrent: join(home, 't.torrent'), full: join(home, 'full'), empty: join(home, 'empty') };
    for (const path of [paths.full, paths.empty]) await mkdir(path, { recursive: true });
    const { file, infohash } = makeTorrent(name, content, announce);
    await writeFile(paths.torrent, file);
    await writeFile(join(paths.full, name), content);
    return { home, infohash, ...paths };
  };

  it.concurrent.each(SCENARIOS.map(([way, from, to], i) => [way, from.name, to.name, i] as const))(
    'over %s, from %s to %s',
    async (way, _from, _to, number) => {
      const [, from, to] = SCENARIOS[number] as (typeof SCENARIOS)[number];
      const name = `scenario-${number}`;
      const content = randomBytes(100_000);
      const [seedHost, leechHost] = network.clients.slice(2 * number) as [Host, Host];
      const { home, infohash, torrent, full, empty } = await prepare(name, content, ANNOUNCE[way]);
      const authority = way.startsWith('https') ? certificate.certificate : undefined;

      const seeder = await from.start({
        namespace: seedHost.namespace,
        directory: join(home, 'seeder'),
        content: full,
        torrent,
        authority,
      });
      const leecher = await to.start({
        namespace: leechHost.namespace,
        directory: join(home, 'leecher'),
        content: empty,
        torrent,
        authority,
      });
      try {
        await leecher.waitFor(to.complete, DOWNLOAD_TIMEOUT).catch((error: Error) => {
          throw new Error(`${error.message}\n\nThe seeder said:\n${seeder.output}`);
        });
        expect(sha256(await readFile(join(empty, name)))).toBe(sha256(content));

        // The tracker knows it, in the swarm of that address family and in no other.
        const family = way.endsWith('IPv6') ? 'IPv6' : 'IPv4';
        const counts = await scrapeUntil(seedHost, infohash, family, ({ downloaded }) => downloaded > 0);
        expect(counts).toEqual({ complete: 2, incomplete: 0, downloaded: 1 });
        const other = await scrape(seedHost, infohash, family === 'IPv4' ? 'IPv6' : 'IPv4');
        expect(other).toEqual({ complete: 0, incomplete: 0, downloaded: 0 });

        await leecher.stop('SIGINT', 20_000);
        if (to.leavesOverHttp || way === 'udp') {
          await scrapeUntil(seedHost, infohash, family, ({ complete }) => complete === 1);
        }
      } finally {
        await Promise.all([seeder, leecher].map((client) => client.stop('SIGTERM', 2_000)));
      }
    },
    TEST_TIMEOUT,
  );

  it.concurrent(
    'get nothing where the tracker refuses them: they do find each other through it alone',
    async () => {
      const { home, torrent, full, empty } = await prepare('refused', refused, ANNOUNCE.http);
      const [seedHost, leechHost] = network.clients.slice(-2) as [Host, Host];
      const start = (host: Host, content: string) =>
        aria2.start({ namespace: host.namespace, directory: join(home, host.namespace), content, torrent });
      const seeder = await start(seedHost, full);
      const leecher = await start(leechHost, empty);
      try {
        await Promise.all([seeder, leecher].map((client) => client.waitFor(/unapproved torrent/, 30_000)));
        expect(leecher.output).not.toMatch(aria2.complete);
      } finally {
        await Promise.all([seeder, leecher].map((client) => client.stop('SIGTERM', 2_000)));
      }
    },
    TEST_TIMEOUT,
  );

  it('leave the tracker running, with nothing to complain of', () => {
    expect(tracker.alive).toBe(true);
    expect(tracker.problems()).toEqual([]);
  });
});

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

interface Counts {
  readonly complete: number;
  readonly incomplete: number;
  readonly downloaded: number;
}

/** Asks from inside the network. */
async function scrape(from: Host, infohash: string, family: 'IPv4' | 'IPv6'): Promise<Counts> {
  const base = family === 'IPv4' ? 'http://10.77.0.1:6969' : 'http://[fd77::1]:6969';
  const url = `${base}/scrape?info_hash=${infohash.replace(/../g, '%$&')}`;
  const script = `fetch(${JSON.stringify(url)}).then((r) => r.arrayBuffer()).then((b) => console.log('body', Buffer.from(b).toString('hex'), 'end'))`;
  const child = new RunningProcess({
    file: process.execPath,
    args: ['-e', script],
    namespace: from.namespace,
  });
  const [, body = ''] = await child.waitFor(/body (\w+) end/, 10_000);
  const answer = bdecode(Buffer.from(body, 'hex')) as Map<string, Map<string, Map<string, number>>>;
  const counts = answer.get('files')?.get(Buffer.from(infohash, 'hex').toString('latin1'));
  return Object.fromEntries(counts ?? []) as unknown as Counts;
}

/** The first counts that satisfy `wanted`, or the last seen after 20 seconds. */
async function scrapeUntil(
  from: Host,
  infohash: string,
  family: 'IPv4' | 'IPv6',
  wanted: (counts: Counts) => boolean,
): Promise<Counts> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const counts = await scrape(from, infohash, family);
    if (wanted(counts)) return counts;
    if (Date.now() > deadline) throw new Error(`the tracker still tells ${JSON.stringify(counts)}`);
    await wait(250);
  }
}
