/** When snapshots are written, what is logged and counted of it, and what happens if one cannot be. */

import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LogLine } from '../../../../src/pkg/logger.ts';
import type { Metric } from '../../../../src/pkg/metrics.ts';
import { memoryDriver } from '../../../../src/storage/memory/driver.ts';
import type { PeerStore } from '../../../../src/storage/storage.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLogger } from '../../../support/memory-logger.ts';
import { someInfohash } from '../../../support/requests.ts';
import { loadInto, someDirectory, someStore } from '../../../support/snapshots.ts';
import { peer } from '../../../support/store-calls.ts';

const A = someInfohash('a');

/** How often is asked what a timer has to do. */
const SOON = { interval: 5 };

interface Opened {
  readonly store: PeerStore;
  readonly clock: ManualClock;
  readonly lines: LogLine[];
  /** The samples of a metric of snapshots, by their label or `''`. */
  metric(name: string): Record<string, number>;
}

async function openStore(options: object, clock = new ManualClock()): Promise<Opened> {
  const logger = new MemoryLogger();
  const metrics = new Map<string, Metric>();
  const store = await memoryDriver.open(memoryDriver.options.parse(options), {
    logger,
    clock,
    metrics: { register: (metric) => void metrics.set(metric.name, metric) },
    upkeep: true,
  });
  const metric = (name: string) =>
    Object.fromEntries(
      (metrics.get(`chihaya_storage_snapshot_${name}`)?.collect() ?? []).map(({ labels, suffix, value }) => [
        labels.operation ?? suffix ?? '',
        value,
      ]),
    );
  return { store, clock, lines: logger.lines, metric };
}

function problems(lines: readonly LogLine[]): string[] {
  return lines.filter(({ level }) => level === 'error' || level === 'warn').map(({ message }) => message);
}

describe('snapshots', () => {
  it('are not written unless a path is given', async () => {
    const { store, metric } = await openStore({ snapshot_interval: '1ms' });
    store.putSeeder(A, peer(1));
    await store.stop();
    for (const name of ['age_seconds', 'bytes', 'duration_milliseconds', 'failures_total']) {
      expect(metric(name)).toEqual({});
    }
  });

  it('are written at every interval, and measured', async () => {
    const path = join(await someDirectory(), 'snapshot');
    const { store, clock, lines, metric } = await openStore({
      snapshot_path: path,
      snapshot_interval: '5ms',
    });
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'there is no snapshot yet: the store starts empty'],
    ]);
    expect(metric('age_seconds')).toEqual({});
    expect(metric('failures_total')).toEqual({ read: 0, write: 0 });
    for (let n = 0; n < 100; n++) store.putSeeder(A, peer(n));
    await expect.poll(() => metric('bytes'), SOON).toEqual({ '': 20 + 12 + 32 + 100 * 32 + 12 + 24 });
    await expect.poll(() => metric('duration_milliseconds')._count, SOON).toBeGreaterThan(3);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await store.stop();
    expect(metric('age_seconds')).toEqual({ '': 0 });
    clock.advance(90_000);
    expect(metric('age_seconds')).toEqual({ '': 90 });
    expect(metric('failures_total')).toEqual({ read: 0, write: 0 });
    expect(problems(lines)).toEqual([]);
    expect(await readdir(join(path, '..'))).toEqual(['snapshot']);
  });

  it('are written once more at a stop, of what was there then', async () => {
    const path = join(await someDirectory(), 'snapshot');
    const { store, clock, lines } = await openStore({ snapshot_path: path });
    for (let n = 0; n < 1000; n++) store.putSeeder(A, peer(n));
    const stopped = store.stop();
    await stopped;
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      message: 'wrote a snapshot',
      fields: { path, peers: 1000, bytes: 20 + 12 + 8 * 32 + 1000 * 32 + 12 + 24 },
    });
    const next = await openStore({ snapshot_path: path }, clock);
    expect(next.lines.at(-1)).toMatchObject({
      level: 'info',
      message: 'read a snapshot',
      fields: { path, peers: 1000, expired: 0, refused: 0 },
    });
    expect(next.metric('age_seconds')).toEqual({ '': 0 });
    await next.store.stop();
  });

  it('leave out expired peers by peer_lifetime, and say what limits left out', async () => {
    const path = join(await someDirectory(), 'snapshot');
    const first = await openStore({ snapshot_path: path });
    for (let n = 0; n < 10; n++) first.store.putSeeder(A, peer(n));
    first.clock.advance(60_000);
    for (let n = 10; n < 30; n++) first.store.putSeeder(A, peer(n));
    await first.store.stop();
    const options = { snapshot_path: path, peer_lifetime: '50s', max_peers: 15 };
    const { store, lines } = await openStore(options, first.clock);
    expect((await store.totals()).seeders).toBe(15);
    expect(problems(lines)).toEqual(['limits left out 5 peers of the snapshot']);
    expect(lines.at(-2)?.fields).toMatchObject({ peers: 15, expired: 10, refused: 5 });
    await store.stop();
  });

  it('that cannot be written are told, counted, and tried again', async () => {
    const directory = join(await someDirectory(), 'sub');
    await mkdir(directory);
    const path = join(directory, 'snapshot');
    const { store, clock, lines, metric } = await openStore({
      snapshot_path: path,
      snapshot_interval: '5ms',
    });
    store.putSeeder(A, peer(1));
    await expect.poll(() => metric('bytes')[''], SOON).toBe(132);
    await rm(directory, { recursive: true, maxRetries: 20 });
    await expect.poll(() => metric('failures_total').write, SOON).toBeGreaterThan(1);
    expect(problems(lines)[0]).toMatch(
      /^no snapshot was written to \S+: .*; the last one stays, and another is tried in 5ms$/,
    );
    expect(problems(lines)).toContain(
      `no snapshot was written to ${path}: there is no such directory: create it, owned by the user that the tracker runs as (ENOENT); the last one stays, and another is tried in 5ms`,
    );
    await mkdir(directory);
    await store.stop();
    const other = someStore(clock);
    expect(await loadInto(other, path, clock)).toMatchObject({ peers: 1 });
  });

  it('do not keep a store from stopping that can write none', async () => {
    const directory = join(await someDirectory(), 'sub');
    await mkdir(directory);
    const { store, lines } = await openStore({ snapshot_path: join(directory, 'snapshot') });
    await rm(directory, { recursive: true, maxRetries: 20 });
    await store.stop();
    expect(problems(lines)).toEqual([expect.stringMatching(/\(ENOENT\); the last one stays$/)]);
  });

  it.skipIf(!canMount())('leave the last one be, and nothing beside it, when the disk is full', async () => {
    const directory = await someDirectory();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', directory]);
    onTestFinished(() => void execFileSync('umount', [directory]));
    const path = join(directory, 'snapshot');
    const { store, clock, lines, metric } = await openStore({
      snapshot_path: path,
      snapshot_interval: '5ms',
    });
    for (let n = 0; n < 1000; n++) store.putSeeder(A, peer(n));
    await expect.poll(() => metric('bytes')[''], SOON).toBeGreaterThan(32_000);
    for (let n = 0; n < 50_000; n++) store.putSeeder(someInfohash(n % 500), peer(n));
    await expect.poll(() => metric('failures_total').write, SOON).toBeGreaterThan(2);
    expect(problems(lines)[0]).toBe(
      `no snapshot was written to ${path}: there is no space left: make some (ENOSPC); the last one stays, and another is tried in 5ms`,
    );
    await store.stop();
    expect(await readdir(directory)).toEqual(['snapshot']);
    expect(await loadInto(someStore(clock), path, clock)).toMatchObject({ peers: expect.any(Number) });
  });

  it('that were not finished are removed at the next start; other files are not', async () => {
    const directory = await someDirectory();
    const path = join(directory, 'snapshot');
    for (const name of [
      'snapshot.tmp-01234567',
      'snapshot.tmp-89abcdef',
      'snapshot.tmp-x',
      'other.tmp-01234567',
    ]) {
      await writeFile(join(directory, name), name);
    }
    const { store, lines } = await openStore({ snapshot_path: path });
    expect(lines[0]?.message).toBe('removed 2 unfinished snapshots');
    await store.stop();
    expect((await readdir(directory)).toSorted()).toEqual([
      'other.tmp-01234567',
      'snapshot',
      'snapshot.tmp-x',
    ]);
  });
});

describe('a start is refused', () => {
  const refusal = async (snapshot_path: string) => {
    try {
      await (await openStore({ snapshot_path })).store.stop();
      return 'it started';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('without the directory', async () => {
    const directory = await someDirectory();
    expect(await refusal(join(directory, 'missing', 'snapshot'))).toBe(
      `snapshot_path: cannot write to the directory ${directory}/missing: there is no such directory: create it, owned by the user that the tracker runs as (ENOENT), or leave snapshot_path out`,
    );
    await writeFile(join(directory, 'file'), '');
    expect(await refusal(join(directory, 'file', 'snapshot'))).toContain(
      'that is no directory: name a file in one (ENOTDIR)',
    );
  });

  it('with a directory in the place of the file', async () => {
    const directory = await someDirectory();
    expect(await refusal(directory)).toBe(
      `snapshot_path: cannot read ${directory}: expected a file, found something else`,
    );
    await symlink('/dev/null', join(directory, 'null'));
    expect(await refusal(join(directory, 'null'))).toContain('expected a file, found something else');
  });

  it.skipIf(process.getuid?.() === 0)('where the user may not write', async () => {
    const directory = await someDirectory();
    await chmod(directory, 0o500);
    expect(await refusal(join(directory, 'snapshot'))).toContain(
      'the user that the tracker runs as may not write there: give it the directory (EACCES)',
    );
  });

  it.skipIf(!canMount())('where nobody may write', async () => {
    const directory = await someDirectory();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', directory]);
    onTestFinished(() => void execFileSync('umount', [directory]));
    expect(await refusal(join(directory, 'snapshot'))).toContain(
      'that file system can only be read: name a file in another (EROFS)',
    );
  });
});

/** Whether this user may mount file systems: root may, but not in every container. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
