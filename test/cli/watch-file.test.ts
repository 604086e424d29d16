/** A file that changes in all the ways in which configuration files do. */

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { watchFile } from '../../src/cli/watch-file.ts';

const INTERVAL = 20;

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'chihaya-watch-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Counts the changes that are told. */
function watch(path: string): { count: number } {
  const changes = { count: 0 };
  onTestFinished(watchFile(path, () => changes.count++, INTERVAL));
  return changes;
}

/** Some looks at the file. */
const looks = () => new Promise((resolve) => setTimeout(resolve, 6 * INTERVAL));

test('written anew, replaced, removed and made again', async () => {
  const path = join(directory(), 'config.yaml');
  writeFileSync(path, 'one');
  const changes = watch(path);
  await looks();
  expect(changes.count).toBe(0);

  writeFileSync(path, 'two');
  await expect.poll(() => changes.count).toBe(1);
  writeFileSync(`${path}.new`, 'three');
  renameSync(`${path}.new`, path);
  await expect.poll(() => changes.count).toBe(2);
  rmSync(path);
  await looks();
  expect(changes.count).toBe(2);
  writeFileSync(path, 'four');
  await expect.poll(() => changes.count).toBe(3);
  await looks();
  expect(changes.count).toBe(3);
});

test('a ConfigMap: the symlink above the file is turned', async () => {
  const path = directory();
  for (const version of ['..1', '..2']) {
    mkdirSync(join(path, version));
    writeFileSync(join(path, version, 'config.yaml'), 'as long');
  }
  symlinkSync('..1', join(path, '..data'));
  symlinkSync('..data/config.yaml', join(path, 'config.yaml'));
  const changes = watch(join(path, 'config.yaml'));
  symlinkSync('..2', join(path, '..new'));
  renameSync(join(path, '..new'), join(path, '..data'));
  await expect.poll(() => changes.count).toBe(1);
  await looks();
  expect(changes.count).toBe(1);
});

test('one that is being written is waited for, and told of once', async () => {
  const path = join(directory(), 'config.yaml');
  writeFileSync(path, '');
  const changes = watch(path);
  const timer = setInterval(() => writeFileSync(path, 'more', { flag: 'a' }), INTERVAL / 4);
  await looks();
  expect(changes.count).toBe(0);
  clearInterval(timer);
  await expect.poll(() => changes.count).toBe(1);
});

test('one that is not there yet', async () => {
  const path = join(directory(), 'config.yaml');
  const changes = watch(path);
  await looks();
  expect(changes.count).toBe(0);
  writeFileSync(path, 'one');
  await expect.poll(() => changes.count).toBe(1);
});
