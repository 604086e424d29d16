/** Files that are not as they were written: none of them is used, not even in part, and none is lost. */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { AddressFamily } from '../../../../src/bittorrent/address-family.ts';
import type { LogLine } from '../../../../src/pkg/logger.ts';
import { memoryDriver } from '../../../../src/storage/memory/driver.ts';
import { SnapshotError } from '../../../../src/storage/memory/snapshot/snapshot-error.ts';
import type { PeerStore } from '../../../../src/storage/storage.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLogger } from '../../../support/memory-logger.ts';
import { someInfohash } from '../../../support/requests.ts';
import { loadInto, saveTo, someDirectory, someStore } from '../../../support/snapshots.ts';
import { peer, scrape } from '../../../support/store-calls.ts';

const clock = new ManualClock();

/** A snapshot of several blocks: its bytes, and where each begins. */
async function someSnapshot(peers = 20_000): Promise<{ path: string; bytes: Buffer; starts: number[] }> {
  const path = join(await someDirectory(), 'snapshot');
  const store = someStore(clock);
  for (let n = 0; n < peers; n++) {
    store.putLeecher(someInfohash(n % 50), peer(n));
    if (n % 4 === 0) store.putSeeder(someInfohash(n % 50), peer(n, AddressFamily.IPv6));
  }
  await saveTo(path, store, clock);
  const bytes = await readFile(path);
  const starts: number[] = [];
  for (let at = 20; at < bytes.length; at += 12 + bytes.readUInt32LE(at + 4)) starts.push(at);
  return { path, bytes, starts };
}

async function faultOf(path: string, bytes: Uint8Array): Promise<string> {
  await writeFile(path, bytes);
  try {
    await loadInto(someStore(clock), path, clock);
    return 'none';
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    return `${error.fault}: ${error.message}`;
  }
}

describe('a snapshot', () => {
  it('is found to be cut off wherever it is', { timeout: 60_000 }, async () => {
    const { path, bytes, starts } = await someSnapshot();
    expect(starts.length).toBeGreaterThan(4);
    expect(await faultOf(path, bytes)).toBe('none');
    const edges = [...starts, bytes.length].flatMap((at) => [at - 1, at, at + 1, at + 7, at + 8, at + 9]);
    const anywhere = fc.sample(fc.integer({ min: 21, max: bytes.length - 1 }), 60);
    for (const length of [...edges, ...anywhere].filter((at) => at > 20 && at < bytes.length)) {
      expect(await faultOf(path, bytes.subarray(0, length))).toMatch(
        /^damaged: block \d+, at byte \d+, is cut off/,
      );
    }
    for (let length = 1; length < 20; length++) {
      expect(await faultOf(path, bytes.subarray(0, length))).toMatch(
        length < 8 ? /^(foreign|damaged)/ : /^damaged: the header is cut off/,
      );
    }
    expect(await faultOf(path, bytes.subarray(0, 20))).toMatch(/^damaged: block 1, at byte 20, is cut off/);
  });

  it('is found to be damaged by any bit that is another', { timeout: 120_000 }, async () => {
    const { path, bytes } = await someSnapshot(3000);
    const bits = [
      // Every bit of the header, of the first block's head, and of the end.
      ...Array.from({ length: 8 * 28 }, (_, i) => i),
      ...Array.from({ length: 8 * 28 }, (_, i) => 8 * bytes.length - 1 - i),
      ...fc.sample(fc.nat({ max: 8 * bytes.length - 1 }), 500),
    ];
    for (const bit of bits) {
      const flipped = Buffer.from(bytes);
      flipped[bit >>> 3] = (flipped[bit >>> 3] as number) ^ (1 << (bit & 7));
      expect([bit, await faultOf(path, flipped)]).toEqual([
        bit,
        expect.stringMatching(bit < 64 ? /^foreign/ : bit < 96 ? /^version/ : /^damaged/),
      ]);
    }
  });

  it('is found to lack a block, to have one twice, or in another order', async () => {
    const { path, bytes, starts } = await someSnapshot();
    const block = (i: number) => bytes.subarray(starts[i], starts[i + 1]);
    const head = bytes.subarray(0, 20);
    const rest = starts.slice(3).map((_, i) => block(i + 3));
    const cases = [
      [block(0), block(2), ...rest],
      [block(1), block(0), block(2), ...rest],
      [block(0), block(1), block(1), block(2), ...rest],
      [rest.at(-1) as Buffer],
    ];
    for (const blocks of cases) {
      expect(await faultOf(path, Buffer.concat([head, ...blocks]))).toMatch(/^damaged: .* expected checksum/);
    }
    expect(await faultOf(path, Buffer.concat([bytes, Buffer.alloc(1)]))).toBe(
      `damaged: expected ${bytes.length} bytes, found more`,
    );
  });

  it('is not made of two', async () => {
    const { bytes, starts } = await someSnapshot();
    clock.advance(1000);
    const other = await someSnapshot();
    const mixed = Buffer.concat([other.bytes.subarray(0, starts[2]), bytes.subarray(starts[2])]);
    expect(await faultOf(other.path, mixed)).toMatch(/^damaged: block 3, .* expected checksum/);
  });
});

test.each([
  ['nothing', Buffer.alloc(0), 'an empty one'],
  ['text', Buffer.from('chihaya:\n  announce_interval: 30m\n'), '636869686179613a'],
  ['zeros', Buffer.alloc(100_000), '0000000000000000'],
  ['three bytes', Buffer.from('abc'), '616263'],
])('a file of %s is none of ours', async (_, bytes, found) => {
  const path = join(await someDirectory(), 'snapshot');
  expect(await faultOf(path, bytes)).toBe(
    `foreign: expected a file that begins with 89434849480d0a1a, found ${found}`,
  );
});

describe('a start with a file that cannot be used', () => {
  async function start(path: string): Promise<{ store: PeerStore; lines: LogLine[] }> {
    const logger = new MemoryLogger();
    const options = memoryDriver.options.parse({ snapshot_path: path });
    const store = await memoryDriver.open(options, {
      logger,
      metrics: { register() {} },
      clock,
      upkeep: true,
    });
    return { store, lines: logger.lines };
  }

  it.each([
    [
      'damaged',
      (bytes: Buffer) => bytes.fill(0xff, 5000, 5001),
      /block 1, at byte 20, is damaged: expected checksum [0-9a-f]{8}, found [0-9a-f]{8}\..*: if there is a copy of a whole one, put it in its place before a start$/,
    ],
    [
      'cut off',
      (bytes: Buffer) => bytes.subarray(0, bytes.length - 10),
      /block \d+, at byte \d+, is cut off: expected \d+ more bytes, found \d+\./,
    ],
    [
      'foreign',
      () => Buffer.from('something else'),
      /expected a file that begins with 89434849480d0a1a, found 736f6d657468696e\..*: snapshot_path must name a file that nothing else writes$/,
    ],
    [
      'older',
      (bytes: Buffer) => bytes.fill(0, 8, 9),
      /expected version 1 of the format, found 0\..*: the version of the tracker that wrote it can read it$/,
    ],
    ['newer', (bytes: Buffer) => bytes.fill(2, 8, 9), /expected version 1 of the format, found 2\./],
  ])('(%s) says so, keeps it, and serves from nothing', async (_, spoil, message) => {
    const { path, bytes } = await someSnapshot(2000);
    const spoilt = Buffer.from(spoil(Buffer.from(bytes)));
    await writeFile(path, spoilt);
    const { store, lines } = await start(path);

    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    const kept = errors[0]?.fields.kept as string;
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.message).toContain(`the snapshot ${path} is not used, and the store starts empty: `);
    expect(errors[0]?.message).toContain(`. It is kept as ${kept}: `);
    expect(basename(kept)).toMatch(/^snapshot\.refused-\d{8}T\d{6}\.\d{3}Z$/);
    expect((await readFile(kept)).equals(spoilt)).toBe(true);

    expect(store.totals()).toEqual({ infohashes: 0, seeders: 0, leechers: 0 });
    store.putSeeder(someInfohash(1), peer(1));
    expect(await scrape(store, someInfohash(1))).toEqual([1, 0, 0]);
    await store.stop();

    const again = await start(path);
    expect(again.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(await scrape(again.store, someInfohash(1))).toEqual([1, 0, 0]);
    await again.store.stop();
    expect((await readFile(kept)).equals(spoilt)).toBe(true);
    expect((await readdir(join(path, '..'))).toSorted()).toEqual(['snapshot', basename(kept)]);
  });
});
