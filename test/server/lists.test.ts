/** Lists of hooks in a tracker of several workers: read once, in force in all of them, and in those that come later. */

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { Infohash } from '../../src/bittorrent/infohash.ts';
import type { TrackerOptions } from '../../src/server/create-tracker.ts';
import { eventually } from '../support/eventually.ts';
import { someInfohash } from '../support/requests.ts';
import { scrape } from '../support/store-calls.ts';
import { Supervised } from '../support/supervised.ts';
import { announcePacket, UdpClient } from '../support/udp-client.ts';

const WORKERS = 3;

/** Clients from so many ports: that one worker answers none of them happens once in ten million times. */
const CLIENTS = 45;

const [A, B] = [someInfohash('a'), someInfohash('b')];
const many = Array.from({ length: 5000 }, (_, i) => someInfohash(i));

const ANNOUNCED = 1;

function urlData(url: string): Buffer {
  return Buffer.concat([Buffer.of(2, url.length), Buffer.from(url)]);
}

describe.skipIf(process.platform !== 'linux')('lists of hooks, with several workers', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'chihaya-lists-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    path = join(directory, 'list');
  });

  function write(entries: readonly string[]): void {
    writeFileSync(`${path}.new`, entries.map((entry) => `${entry}\n`).join(''));
    renameSync(`${path}.new`, path);
  }

  const lines = (...infohashes: Infohash[]) => infohashes.map(({ hex }) => hex);

  async function start(prehook: NonNullable<TrackerOptions['prehooks']>[number]) {
    const tracker = await Supervised.start({ udp: { addr: '127.0.0.1:0' }, prehooks: [prehook] }, WORKERS);
    onTestFinished(() => tracker.stop());
    return tracker;
  }

  /** How many of the clients, each on a socket of its own, are answered, and not refused. */
  async function approvals(
    tracker: Supervised,
    fields: { infohash?: Infohash; options?: Buffer; peerId?: string },
  ): Promise<number> {
    const answers = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = await UdpClient.open(tracker.port('udp'));
        const connectionId = await client.connect();
        const infohash = (fields.infohash ?? A).bytes;
        const answer = await client.ask(announcePacket({ connectionId, ...fields, infohash }));
        await client.close();
        return answer.readUInt32BE(0);
      }),
    );
    return answers.filter((action) => action === ANNOUNCED).length;
  }

  test('all workers have one list, and its changes at once', async () => {
    write(lines(A));
    const tracker = await start({ name: 'torrent approval', options: { whitelist_file: path } });
    expect(await approvals(tracker, { infohash: A })).toBe(CLIENTS);
    expect(await approvals(tracker, { infohash: B })).toBe(0);
    const entries = 'chihaya_hook_list_entries{hook="torrent approval"}';
    expect(await tracker.metric(entries)).toBe(1);
    expect(Math.min(...tracker.answered('udp'))).toBeGreaterThan(0);

    write([...lines(B), '# and no more']);
    const client = await UdpClient.open(tracker.port('udp'));
    const connectionId = await client.connect();
    const packet = announcePacket({ connectionId, infohash: B.bytes });
    await eventually('one worker', async () => (await client.ask(packet)).readUInt32BE(0) === ANNOUNCED);
    await client.close();
    // No worker has to be waited for: they have the same memory.
    expect(await approvals(tracker, { infohash: A })).toBe(0);
    expect(await approvals(tracker, { infohash: B })).toBe(CLIENTS);
    await eventually('counted', async () => {
      const reloads = await tracker.metric('chihaya_hook_list_reloads_total{hook="torrent approval"}');
      return reloads === 1;
    });
  });

  test('a list that outgrows its memory gets more, in all workers', async () => {
    write(lines(A));
    const tracker = await start({ name: 'torrent approval', options: { whitelist_file: path } });
    write(lines(B, ...many));
    await eventually('all', async () => (await approvals(tracker, { infohash: B })) === CLIENTS);
    expect(await approvals(tracker, { infohash: many.at(-1) as Infohash })).toBe(CLIENTS);
    expect(await approvals(tracker, { infohash: A })).toBe(0);
    expect(await tracker.metric('chihaya_hook_list_entries{hook="torrent approval"}')).toBe(5001);
  });

  test('a worker that takes the place of a dead one has the latest list, without the file', async () => {
    write(lines(A));
    const tracker = await start({ name: 'torrent approval', options: { whitelist_file: path } });
    write(lines(B, ...many));
    await eventually('all', async () => (await approvals(tracker, { infohash: B })) === CLIENTS);
    rmSync(path);
    for (const number of [1, 2, 3]) await tracker.kill(number);
    expect(await approvals(tracker, { infohash: A })).toBe(0);
    expect(await approvals(tracker, { infohash: B })).toBe(CLIENTS);
    await tracker.metric('chihaya_workers');
    expect(Math.min(...tracker.answered('udp'))).toBeGreaterThan(0);

    // And it has those that follow.
    write(lines(A));
    await eventually('all', async () => (await approvals(tracker, { infohash: A })) === CLIENTS);
    expect(await approvals(tracker, { infohash: B })).toBe(0);
  });

  test('client ids, too', async () => {
    write(['TR4050']);
    const clients = await start({ name: 'client approval', options: { blacklist_file: path } });
    const qBittorrent = { peerId: '-qB4630-abcdefghijkl' };
    expect(await approvals(clients, {})).toBe(0);
    expect(await approvals(clients, qBittorrent)).toBe(CLIENTS);
    write(['qB4630']);
    await eventually('all', async () => (await approvals(clients, {})) === CLIENTS);
    await clients.kill(1);
    expect(await approvals(clients, qBittorrent)).toBe(0);
  });

  test('passkeys, too', async () => {
    write(['0123456789abcdef']);
    const passkeys = await start({ name: 'passkey approval', options: { keys_file: path } });
    const good = { options: urlData('/0123456789abcdef/announce') };
    const better = { options: urlData('/announce?passkey=fedcba9876543210') };
    expect(await approvals(passkeys, good)).toBe(CLIENTS);
    expect(await approvals(passkeys, better)).toBe(0);
    write(['fedcba9876543210']);
    await eventually('all', async () => (await approvals(passkeys, better)) === CLIENTS);
    await passkeys.kill(2);
    expect(await approvals(passkeys, better)).toBe(CLIENTS);
    expect(await approvals(passkeys, good)).toBe(0);
    expect(JSON.stringify(passkeys.logger.lines)).not.toMatch(/0123456789abcdef|fedcba9876543210/);
  });

  test('peers of what is not approved any more go from the swarms of all workers', async () => {
    write(lines(A, B));
    const options = { whitelist_file: path, evict: true };
    const tracker = await start({ name: 'torrent approval', options });
    const { store } = tracker.supervisor;
    expect(await approvals(tracker, { infohash: A })).toBe(CLIENTS);
    expect(await approvals(tracker, { infohash: B })).toBe(CLIENTS);
    // One peer: that the clients have an address and a port in common is what an announce says.
    expect(await scrape(store, A, AddressFamily.IPv4)).toEqual([0, 1, 0]);
    write(lines(B));
    await eventually('evicted', async () => (await scrape(store, A))[1] === 0);
    expect(await scrape(store, B)).toEqual([0, 1, 0]);
  });
});
