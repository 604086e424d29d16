/** Approval lists in files and directories, in one thread; in several: test/server/lists.test.ts. */

import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { z } from 'zod';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { clientApprovalDriver } from '../../src/middleware/client-approval/driver.ts';
import type { FingerprintLists } from '../../src/middleware/list-lookup.ts';
import type { HookDriver, SharedSource } from '../../src/middleware/middleware.ts';
import { torrentApprovalDriver } from '../../src/middleware/torrent-approval/driver.ts';
import type { Metric } from '../../src/pkg/metrics.ts';
import type { PeerStore } from '../../src/storage/storage.ts';
import { approves } from '../support/approval.ts';
import { bencode } from '../support/bencode.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { NaivePeerStore } from '../support/naive-peer-store.ts';
import { openHook } from '../support/open-hook.ts';
import { announce, someInfohash, somePeerId } from '../support/requests.ts';
import { peer } from '../support/store-calls.ts';
import { makeTorrent } from '../support/torrent.ts';

const hexOf = (infohashes: readonly Infohash[]) => infohashes.map(({ hex }) => hex).join();
const [A, B, C] = ['a', 'b', 'c'].map((seed) => someInfohash(seed)) as [Infohash, Infohash, Infohash];

describe('lists in files', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'chihaya-lists-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    path = join(directory, 'list');
  });

  async function open<Schema extends z.ZodType, Value>(
    driver: HookDriver<Schema, Value>,
    options: z.input<Schema>,
    store: PeerStore = new NaivePeerStore(),
  ) {
    const logger = new MemoryLogger();
    const metrics: Metric[] = [];
    const register = (metric: Metric) => void metrics.push(metric);
    const { hook, source, stop } = await openHook(driver, options, { logger, store, metrics: { register } });
    onTestFinished(stop);
    return {
      hook,
      source,
      refresh: async () => source?.refresh?.(),
      /** Of the infohashes given those that are approved. */
      approved: (...infohashes: Infohash[]) =>
        infohashes.filter((infohash) => approves(hook, announce({ infohash }))),
      errors: () => logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message),
      metric: (name: string) => metrics.find((metric) => metric.name === name)?.collect()[0],
    };
  }

  const torrents = (options: z.input<typeof torrentApprovalDriver.options>, store?: PeerStore) =>
    open(torrentApprovalDriver, options, store);
  const lines = (...infohashes: Infohash[]) => infohashes.map(({ hex }) => `${hex}\n`).join('');
  const replaceByRename = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };

  it('add up with the list in the configuration', async () => {
    writeFileSync(path, `${A.hex.toUpperCase()} # in upper case\r\n`);
    const white = await torrents({ whitelist: [B.hex], whitelist_file: path });
    expect(white.approved(A, B, C)).toEqual([A, B]);
    const black = await torrents({ blacklist: [B.hex], blacklist_file: path });
    expect(black.approved(A, B, C)).toEqual([C]);
    expect(white.metric('chihaya_hook_list_entries')).toEqual({
      labels: { hook: 'torrent approval' },
      value: 2,
    });
  });

  it('approve nothing, or refuse nothing, when they are empty', async () => {
    writeFileSync(path, '# nothing yet\n');
    expect((await torrents({ whitelist_file: path })).approved(A, B)).toEqual([]);
    expect((await torrents({ blacklist_file: path })).approved(A, B)).toEqual([A, B]);
  });

  it('are taken within two seconds of a change, however it is made', async () => {
    const times: number[] = [];
    writeFileSync(path, lines(A));
    const { approved, errors, metric } = await torrents({ whitelist_file: path });
    const becomes = async (what: string, ...wanted: Infohash[]) => {
      const start = performance.now();
      await eventually(what, () => hexOf(approved(A, B, C)) === hexOf(wanted));
      times.push(performance.now() - start);
    };
    writeFileSync(path, lines(B));
    await becomes('written to', B);
    replaceByRename(lines(C));
    await becomes('replaced', C);
    writeFileSync(path, '');
    await becomes('emptied');
    appendFileSync(path, lines(A, B));
    await becomes('appended to', A, B);
    rmSync(path);
    symlinkSync('elsewhere', path);
    writeFileSync(join(directory, 'elsewhere'), lines(C));
    await becomes('a link', C);
    // A machine that is busy may hold up one or another.
    expect(Math.min(...times)).toBeLessThan(2000);
    expect(errors()).toEqual([]);
    await eventually('counted', () => metric('chihaya_hook_list_reloads_total')?.value === 5);
    expect(metric('chihaya_hook_list_entries')?.value).toBe(1);
  });

  it('stay what they were when they go or are damaged, which is told once', async () => {
    writeFileSync(path, lines(A));
    const { approved, errors, metric, refresh } = await torrents({ whitelist_file: path });
    const told = async (count: number) => eventually(`error ${count}`, () => errors().length === count);
    writeFileSync(path, `${lines(B)}\n# half of one\n${C.hex.slice(20)}`);
    await told(1);
    rmSync(path);
    await told(2);
    mkdirSync(path);
    await told(3);
    // Two looks later nothing more has been said.
    await setTimeout(1200);
    expect(errors()).toEqual([
      `${path}:4: expected an infohash of 40 hexadecimal digits, found "${C.hex.slice(20)}"; the list stays as it was`,
      `${path}: cannot be read: ENOENT; the list stays as it was`,
      `${path}: cannot be read: expected a file, found a directory; the list stays as it was`,
    ]);
    expect(approved(A, B, C)).toEqual([A]);
    expect(metric('chihaya_hook_list_reload_failures_total')?.value).toBe(3);
    rmSync(path, { recursive: true });
    writeFileSync(path, lines(C));
    await eventually('made anew', () => approved(C).length === 1);
    expect(approved(A, B, C)).toEqual([C]);
    await refresh();
    expect(metric('chihaya_hook_list_reloads_total')?.value).toBe(2);
  });

  it('are not taken while they are being written', async () => {
    writeFileSync(path, lines(A));
    const { approved, errors } = await torrents({ whitelist_file: path });
    writeFileSync(path, '');
    for (let i = 0; i < 10; i++) {
      appendFileSync(path, lines(someInfohash(i)));
      await setTimeout(150);
      expect(approved(A, someInfohash(0))).toEqual([A]);
    }
    appendFileSync(path, lines(B));
    await eventually('written', () => approved(B).length === 1);
    expect(approved(A, someInfohash(0), someInfohash(9))).toHaveLength(2);
    expect(errors()).toEqual([]);
  });

  it.each([
    ['whitelist_file', 'missing', 'missing: cannot be read: ENOENT'],
    [
      'blacklist_file',
      'bad',
      'bad:2: expected an infohash of 40 hexadecimal digits, found "not an infohash"',
    ],
    ['whitelist_directory', 'missing', 'missing: cannot be read: ENOENT'],
    ['blacklist_directory', 'bad', 'bad: cannot be read: ENOTDIR'],
    [
      'whitelist_directory',
      'torrents',
      'torrents/x.torrent: expected a dictionary at byte 0, found something else',
    ],
  ])('stop the start if they cannot be read: %s %s', async (option, name, message) => {
    writeFileSync(join(directory, 'bad'), `${A.hex}\nnot an infohash\n`);
    mkdirSync(join(directory, 'torrents'));
    writeFileSync(join(directory, 'torrents', 'x.torrent'), 'x');
    await expect(torrents({ [option]: join(directory, name) })).rejects.toThrow(
      new Error(join(directory, message)),
    );
  });

  it('hold client ids as well', async () => {
    writeFileSync(path, 'TR4050\nM7-10- # an old one\n');
    const { hook, errors } = await open(clientApprovalDriver, {
      whitelist: ['lt0D60'],
      whitelist_file: path,
    });
    const clients = ['-TR4050-', '-lt0D60-', 'M7-10-5--', '-qB4630-'];
    const approved = () =>
      clients.filter((prefix) => approves(hook, announce({ peerId: somePeerId(1, prefix) })));
    expect(approved()).toEqual(['-TR4050-', '-lt0D60-', 'M7-10-5--']);
    replaceByRename('qB4630');
    await eventually('replaced', () => approved().includes('-qB4630-'));
    expect(approved()).toEqual(['-lt0D60-', '-qB4630-']);
    replaceByRename('qB4630\nqB463');
    await eventually('told', () => errors().length === 1);
    expect(errors()).toEqual([
      `${path}:2: expected a client id of 6 bytes, such as TR4050, found "qB463"; the list stays as it was`,
    ]);
    expect(approved()).toEqual(['-lt0D60-', '-qB4630-']);
  });

  it('hold a million infohashes, read in two seconds of the processor without holding up the thread', {
    timeout: 60_000,
  }, async () => {
    const count = 1_000_000;
    const name = (i: number) => Math.imul(i, 0x9e3779b1) >>> 0;
    const text = (from: number) =>
      Array.from({ length: count }, (_, i) =>
        name(from + i)
          .toString(16)
          .padStart(40, '0'),
      ).join('\n');
    writeFileSync(path, text(0));
    let turns = 0;
    const timer = setInterval(() => turns++);
    const start = process.cpuUsage();
    const { approved, metric, source } = await torrents({ whitelist_file: path });
    const { user, system } = process.cpuUsage(start);
    clearInterval(timer);
    expect(user + system).toBeLessThan(2_000_000);
    expect(turns).toBeGreaterThan(100);
    expect(metric('chihaya_hook_list_entries')?.value).toBe(count);
    const at = (i: number) => Infohash.fromHex(name(i).toString(16).padStart(40, '0'));
    expect(approved(at(0), at(count - 1), at(count))).toEqual([at(0), at(count - 1)]);
    // V8 would not collect replaced memory, so there is none: those that follow lie in the same.
    const memoryOf = () => (source as SharedSource<FingerprintLists>).value.lists[0];
    const memory = memoryOf();
    expect(memory?.byteLength).toBeLessThan(48e6);
    for (const from of [10, 20, 30]) {
      replaceByRename(text(from));
      await eventually('replaced', () => approved(at(from + count - 1)).length === 1, 10_000);
      expect(approved(at(from - 1))).toEqual([]);
      expect(memoryOf()).toBe(memory);
    }
  });

  describe('directories of torrents', () => {
    const torrent = (name: string) => makeTorrent(name, Buffer.from(name), 'http://x/announce');
    const put = (name: string, bytes: Uint8Array) => writeFileSync(join(directory, name), bytes);
    const [one, two, three] = ['one', 'two', 'three'].map(torrent) as [
      ReturnType<typeof torrent>,
      ReturnType<typeof torrent>,
      ReturnType<typeof torrent>,
    ];
    const infohashes = [one, two, three].map(({ infohash }) => Infohash.fromHex(infohash));

    it('follow their files, one by one', async () => {
      put('one.torrent', one.file);
      put('.two.torrent', two.file);
      put('three.txt', three.file);
      const { approved, errors, metric } = await torrents({
        whitelist: [A.hex],
        whitelist_directory: directory,
      });
      const approvedNow = () => approved(A, ...infohashes).map(({ hex }) => hex);
      const becomes = (what: string, ...wanted: { infohash: string }[]) =>
        eventually(what, () => {
          return approvedNow().join() === [A.hex, ...wanted.map(({ infohash }) => infohash)].join();
        });
      expect(approvedNow()).toEqual([A.hex, one.infohash]);
      renameSync(join(directory, '.two.torrent'), join(directory, 'two.torrent'));
      await becomes('renamed', one, two);
      put('two.torrent', three.file);
      await becomes('written to', one, three);
      // Half of a file leaves what it was before.
      put('two.torrent', two.file.subarray(0, 50));
      await eventually('told', () => errors().length === 1);
      expect(errors()).toEqual([
        expect.stringMatching(/two\.torrent: expected .* at byte \d+, found .*; the list stays as it was$/),
      ]);
      expect(approvedNow()).toEqual([A.hex, one.infohash, three.infohash]);
      put('two.torrent', two.file);
      await becomes('mended', one, two);
      rmSync(join(directory, 'one.torrent'));
      await becomes('deleted', two);
      renameSync(directory, `${directory}.gone`);
      await eventually('told', () => errors().length === 2);
      expect(errors()[1]).toBe(`${directory}: cannot be read: ENOENT; the list stays as it was`);
      expect(approvedNow()).toEqual([A.hex, two.infohash]);
      renameSync(`${directory}.gone`, directory);
      put('three.torrent', three.file);
      await becomes('back', two, three);
      expect(metric('chihaya_hook_list_entries')?.value).toBe(3);
    });

    it('refuse a hybrid torrent under both of its infohashes', async () => {
      put(
        'hybrid.torrent',
        bencode(
          new Map([
            [
              'info',
              new Map<string, number | string>([
                ['meta version', 2],
                ['pieces', ''],
              ]),
            ],
          ]),
        ),
      );
      const { approved } = await torrents({ blacklist_directory: directory });
      const [v1, v2] = [
        '810c7a83166568622e1712c14410243cd836d31c',
        '4bbc2b7563b4ec457114b60a477c5d5775a0f80d',
      ].map(Infohash.fromHex) as [Infohash, Infohash];
      expect(approved(v1, v2, A)).toEqual([A]);
    });
  });

  describe('evict', () => {
    it('removes peers of what is not approved, at the start and after each change', async () => {
      const store = new NaivePeerStore();
      for (const infohash of [A, B, C]) store.putSeeder(infohash, peer(1));
      writeFileSync(path, lines(A, B));
      await torrents({ whitelist_file: path, evict: true }, store);
      await eventually('the start', () => store.totals().seeders === 2);
      writeFileSync(path, lines(B, C));
      await eventually('a change', () => store.totals().seeders === 1);
      expect([...store.swarms.keys()]).toEqual([`4:${B.hex}`]);
    });

    it('leaves the store alone unless it is asked for', async () => {
      const store = new NaivePeerStore();
      store.putSeeder(A, peer(1));
      writeFileSync(path, lines(A));
      const { approved, refresh } = await torrents({ blacklist_file: path }, store);
      expect(approved(A)).toEqual([]);
      await refresh();
      expect(store.totals().seeders).toBe(1);
    });

    it('stops the start on a store that cannot evict', async () => {
      const store = new NaivePeerStore();
      Object.assign(store, { evict: undefined });
      await expect(torrents({ whitelist: [A.hex], evict: true }, store)).rejects.toThrow(
        'evict: expected a store that can remove the peers of a torrent, found one that cannot',
      );
      await torrents({ whitelist: [A.hex] }, store);
    });
  });
});
