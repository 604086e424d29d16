/** The configurations in the pages of the hooks with lists start as they stand, but for addresses and paths. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { createTracker, type Tracker, type TrackerOptions } from '../../src/index.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

const PASSKEY = '0123456789abcdef0123456789abcdef';
const LISTED = 'a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5';
const OTHER = 'ffffffffffffffffffffffffffffffffffffffff';

/** The YAML blocks of a page, with its paths in `directory` and free ports. */
function configurations(page: string, directory: string): TrackerOptions[] {
  const text = readFileSync(`docs/middleware/${page}.md`, 'utf8')
    .replaceAll('/etc/chihaya/', `${directory}/`)
    .replaceAll('/srv/', `${directory}/`)
    .replaceAll(/"(?:[\d.]*):(?:6969|6880)"/g, '"127.0.0.1:0"');
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(
    ([, block = '']) => (parse(block) as { chihaya: TrackerOptions }).chihaya,
  );
}

describe('examples of hooks with lists', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'chihaya-documented-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'torrents.txt'), `${LISTED}\n`);
    writeFileSync(join(directory, 'clients.txt'), 'TR4050\n');
    writeFileSync(join(directory, 'passkeys.txt'), `${PASSKEY}\n`);
    mkdirSync(join(directory, 'torrents'));
  });

  async function start(options: TrackerOptions | undefined): Promise<Tracker> {
    const tracker = await createTracker(options as TrackerOptions);
    onTestFinished(() => tracker.stop());
    return tracker;
  }

  const portOf = (tracker: Tracker, protocol: string): number =>
    tracker.addresses.find((address) => address.protocol === protocol)?.port as number;

  async function announceHttp(tracker: Tracker, path: string, infohash: string): Promise<string> {
    const escaped = infohash.replace(/../g, '%$&');
    const query = `info_hash=${escaped}&peer_id=-TR4050-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=1`;
    const answer = await fetch(`http://127.0.0.1:${portOf(tracker, 'http')}${path}?${query}`);
    return answer.text();
  }

  async function announceUdp(tracker: Tracker, url: string, infohash: string): Promise<string> {
    const client = await UdpClient.open(portOf(tracker, 'udp'));
    const options = Buffer.concat([Buffer.of(2, url.length), Buffer.from(url)]);
    const answer = await client.ask(
      announcePacket({
        connectionId: await client.connect(),
        infohash: Buffer.from(infohash, 'hex'),
        options,
      }),
    );
    await client.close();
    return answer.readUInt32BE(0) === 1 ? 'announced' : answer.toString('latin1', 8, answer.length - 1);
  }

  test('client approval', async () => {
    const [inline, file] = configurations('client-approval', directory);
    expect(await announceUdp(await start(inline), '/announce', OTHER)).toBe('unapproved client');
    expect(await announceUdp(await start(file), '/announce', OTHER)).toBe('announced');
  });

  test('torrent approval', async () => {
    const pages = configurations('torrent-approval', directory);
    expect(pages).toHaveLength(2);
    for (const options of pages) {
      const tracker = await start(options);
      expect(await announceHttp(tracker, '/announce', LISTED)).toContain('8:interval');
      expect(await announceHttp(tracker, '/announce', OTHER)).toContain('unapproved torrent');
    }
  });

  test('passkey approval, and a whole private tracker', async () => {
    const pages = configurations('passkey-approval', directory);
    expect(pages).toHaveLength(2);
    const refused = 'unapproved request: invalid passkey';
    for (const options of pages) {
      const tracker = await start(options);
      expect(await announceHttp(tracker, `/${PASSKEY}/announce`, LISTED)).toContain('8:interval');
      expect(await announceHttp(tracker, `/${PASSKEY}x/announce`, LISTED)).toContain(refused);
      const scrape = `http://127.0.0.1:${portOf(tracker, 'http')}/${OTHER}/scrape?info_hash=${'a'.repeat(20)}`;
      expect(await (await fetch(scrape)).text()).toContain(refused);
    }
    const tracker = await start(pages[1]);
    expect(await announceHttp(tracker, `/${PASSKEY}/announce`, OTHER)).toContain('unapproved torrent');
    expect(await announceHttp(tracker, `/${OTHER}/announce`, OTHER)).toContain(refused);
    expect(await announceUdp(tracker, `/${PASSKEY}/announce`, LISTED)).toBe('announced');
    expect(await announceUdp(tracker, `/announce?passkey=${PASSKEY}`, LISTED)).toBe('announced');
    expect(await announceUdp(tracker, `/${PASSKEY}/announce`, OTHER)).toBe('unapproved torrent');
    expect(await announceUdp(tracker, '/announce', LISTED)).toBe(refused);
  });
});
