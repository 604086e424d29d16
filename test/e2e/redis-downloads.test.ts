/** Real downloads, found through trackers over every kind of Redis: the seeder asks one, the leecher another. */

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { topologies } from '../storage/redis/topologies.ts';
import { describeWithRedis } from '../support/describe-with-redis.ts';
import { reservePort } from '../support/reserved-port.ts';
import { makeTorrent } from '../support/torrent.ts';
import { aria2, whyNoClients } from '../support/torrent-clients.ts';
import { TrackerProcess } from '../support/tracker-process.ts';
import { until } from '../support/until.ts';

/** Clients unchoke each other in turns of ten seconds. */
const DOWNLOAD_TIMEOUT = 60_000;

const obstacle = whyNoClients([aria2]);

if (obstacle) {
  it.skipIf(process.env.CI !== 'true')(`downloads over Redis cannot be tested: ${obstacle}`, () => {
    throw new Error(obstacle);
  });
}

describeWithRedis('two trackers over Redis', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chihaya-redis-downloads-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.skipIf(obstacle).concurrent.each(topologies)(
    'bring clients together: %s',
    async (title, startRedis) => {
      const topology = await startRedis();
      const home = join(directory, title);
      const start = () =>
        TrackerProcess.start({
          announce_interval: '2s',
          min_announce_interval: '1s',
          workers: 1,
          http: { addr: '127.0.0.1:0' },
          storage: { name: 'redis', config: topology.config },
        });
      const trackers = await Promise.all([start(), start()]);
      const content = randomBytes(100_000);
      const clients = await Promise.all(
        trackers.map(async (tracker, i) => {
          const own = join(home, i === 0 ? 'seeder' : 'leecher');
          const files = join(own, 'content');
          await mkdir(files, { recursive: true });
          const torrent = join(own, 't.torrent');
          await writeFile(torrent, makeTorrent('file', content, `${tracker.address('http')}announce`).file);
          if (i === 0) await writeFile(join(files, 'file'), content);
          const { port } = await reservePort();
          return aria2.start({ port, directory: own, content: files, torrent });
        }),
      );
      try {
        await clients[1]?.waitFor(aria2.complete, DOWNLOAD_TIMEOUT);
        expect((await readFile(join(home, 'leecher/content/file'))).equals(content)).toBe(true);
        const { infohash } = makeTorrent('file', content, '');
        const url = `${trackers[0]?.address('http')}scrape?info_hash=${infohash.replace(/../g, '%$&')}`;
        await until('the download to be counted', async () =>
          (await (await fetch(url)).text()).includes('8:completei2e10:downloadedi1e10:incompletei0e'),
        );
        for (const tracker of trackers) expect(tracker.problems()).toEqual([]);
      } finally {
        await Promise.all([
          ...clients.map((client) => client.stop('SIGTERM', 2_000)),
          ...trackers.map((tracker) => tracker.stop()),
        ]);
        await topology.stop();
      }
    },
    DOWNLOAD_TIMEOUT + 30_000,
  );
});
