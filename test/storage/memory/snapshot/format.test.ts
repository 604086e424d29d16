/** The file of a snapshot, byte for byte: what one version writes the next has to read. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Infohash } from '../../../../src/bittorrent/infohash.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { announce } from '../../../support/requests.ts';
import { loadInto, saveTo, someDirectory, someStore } from '../../../support/snapshots.ts';
import { offer, scrape } from '../../../support/store-calls.ts';

/** 2026-01-01, 00:00:00 UTC: 0x6955b900. */
const START = 1_767_225_600_000;

const FIRST = Infohash.fromHex('0102030405060708090a0b0c0d0e0f1011121314');
const SECOND = Infohash.fromHex('f1f2f3f4f5f6f7f8f9fafbfcfdfeff0011223344');
const SEEDER = announce({ peerId: '-TR4050-seederseeder', address: '192.0.2.1', port: 6881 }).peer;
const LEECHER = announce({ peerId: '-TR4050-leecherleech', address: '192.0.2.254', port: 51413 }).peer;
const IPV6 = announce({ peerId: '-TR4050-sixsixsixsix', address: '2001:db8::17', port: 80 }).peer;

const FILE = `
  89434849480d0a1a 01000000 20b95569 0205c178

  04000000 80000000
    0102030405060708090a0b0c0d0e0f1011121314 02000000 01000000 00000000
      2d5452343035302d736565646572736565646572 0ab95569 c0000201 1ae1 0300
      2d5452343035302d6c6565636865726c65656368 14b95569 c00002fe c8d5 0000
    f1f2f3f4f5f6f7f8f9fafbfcfdfeff0011223344 00000000 01000000 1eb95569
  4dd180f5

  06000000 4c000000
    0102030405060708090a0b0c0d0e0f1011121314 01000000 00000000 00000000
      2d5452343035302d736978736978736978736978 1eb95569 20010db8000000000000000000000017 0050 0000
  20ae639b

  00000000 0c000000 02000000 03000000 03000000 b3c5f8ff
`.replace(/\s/g, '');

test('a snapshot is written as it is documented', async () => {
  const path = join(await someDirectory(), 'snapshot');
  const clock = new ManualClock(START);
  const store = someStore(clock);
  clock.advance(10_000);
  store.graduateLeecher(FIRST, SEEDER);
  clock.advance(10_000);
  store.putLeecher(FIRST, LEECHER);
  clock.advance(10_000);
  store.graduateLeecher(SECOND, SEEDER);
  store.deleteSeeder(SECOND, SEEDER);
  store.putLeecher(FIRST, IPV6);
  clock.advance(2_999);
  expect(await saveTo(path, store, clock)).toEqual({ peers: 3, bytes: FILE.length / 2 });
  expect((await readFile(path)).toString('hex')).toBe(FILE);
});

test('what is documented is read', async () => {
  const path = join(await someDirectory(), 'snapshot');
  await writeFile(path, Buffer.from(FILE, 'hex'));
  const clock = new ManualClock(START + 40_000);
  const store = someStore(clock);
  expect(await loadInto(store, path, clock)).toEqual({
    begun: START / 1000 + 32,
    bytes: FILE.length / 2,
    peers: 3,
    expired: 0,
    refused: 0,
  });
  const stranger = announce({ address: '192.0.2.9' }).peer;
  const sixth = announce({ address: '2001:db8::9' }).peer;
  expect(await offer(store, FIRST, stranger, false)).toEqual({
    complete: 1,
    incomplete: 1,
    peers: ['192.0.2.1:6881', '192.0.2.254:51413'],
    member: false,
  });
  expect((await offer(store, FIRST, sixth, false)).peers).toEqual(['2001:db8::17:80']);
  expect(await scrape(store, FIRST)).toEqual([1, 1, 1]);
  expect(await scrape(store, FIRST, 6)).toEqual([0, 1, 0]);
  expect(await scrape(store, SECOND)).toEqual([0, 0, 1]);
  expect((await offer(store, FIRST, SEEDER, true)).member).toBe(true);
});
