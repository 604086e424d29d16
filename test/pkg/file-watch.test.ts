import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FileWatch } from '../../src/pkg/file-watch.ts';

describe('FileWatch', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'chihaya-watch-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    path = join(directory, 'file');
    writeFileSync(path, 'one');
  });

  /** Looks until the file is taken; the first look must not take it. Milliseconds that it took. */
  async function taken(watch: FileWatch): Promise<number> {
    const start = performance.now();
    expect(await watch.take()).toBe(false);
    while (!(await watch.take())) await setTimeout(5);
    return performance.now() - start;
  }

  const replaceByRename = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };

  it.each([
    ['written to', () => writeFileSync(path, 'two')],
    ['replaced by rename, with as many bytes', () => replaceByRename('two')],
    ['emptied', () => writeFileSync(path, '')],
    ['deleted', () => rmSync(path)],
  ])('takes a file once that was %s', async (_, change) => {
    const watch = new FileWatch(path);
    await watch.takeNow();
    expect(await watch.take()).toBe(false);
    change();
    expect(await taken(watch)).toBeGreaterThanOrEqual(400);
    expect(await watch.take()).toBe(false);
  });

  it('follows links, as of mounted configurations, which are swapped a level above', async () => {
    for (const version of ['1', '2']) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'list'), 'same');
    }
    symlinkSync('1', join(directory, 'data'));
    symlinkSync('data/list', join(directory, 'list'));
    const watch = new FileWatch(join(directory, 'list'));
    await watch.takeNow();
    symlinkSync('2', join(directory, 'data.new'));
    renameSync(join(directory, 'data.new'), join(directory, 'data'));
    await taken(watch);
  });

  it('does not take a file that is being written, however often it looks', async () => {
    const watch = new FileWatch(path);
    await watch.takeNow();
    for (let i = 0; i < 20; i++) {
      writeFileSync(path, 'x'.repeat(10 + i));
      const written = performance.now();
      expect(await watch.take()).toBe(false);
      await setTimeout(30);
      // Unless it has stayed the same for so long, on a machine that is held up.
      if (performance.now() - written < 300) expect(await watch.take()).toBe(false);
    }
    await taken(watch);
  });

  it('does not take a file for having rested while the thread was held up', async () => {
    const watch = new FileWatch(path);
    await watch.takeNow();
    writeFileSync(path, 'two');
    expect(await watch.take()).toBe(false);
    const look = watch.take();
    // The system has long answered when the thread hears of it, and the file is another by then.
    for (const end = performance.now() + 450; performance.now() < end; );
    writeFileSync(path, 'three');
    expect(await look).toBe(false);
    await taken(watch);
  });

  it('takes a file again when it is to', async () => {
    const watch = new FileWatch(path);
    await watch.takeNow();
    watch.forget();
    await taken(watch);
  });
});
