/**
 * Which layer may import which:
 *
 *     cli → server → { config, frontend, middleware, storage } → bittorrent → pkg
 *
 * Layers in braces do not import each other, but that middleware reads and writes the PeerStore.
 */

import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { sources } from './sources.ts';

const BELOW = ['bittorrent', 'pkg'];
const ALLOWED = new Map<string, readonly string[]>([
  ['pkg', []],
  ['bittorrent', ['pkg']],
  ['storage', BELOW],
  ['middleware', [...BELOW, 'storage']],
  ['frontend', BELOW],
  ['config', BELOW],
  ['server', [...BELOW, 'config', 'frontend', 'middleware', 'storage']],
  ['cli', [...BELOW, 'config', 'server']],
  // The public API names what it shows.
  ['index.ts', [...BELOW, 'config', 'frontend', 'middleware', 'storage', 'server']],
]);

/** Layers whose folders are drivers: none knows another. */
const DRIVERS = ['storage', 'middleware', 'frontend'];

interface Import {
  readonly from: string;
  readonly to: string;
}

function imports(): Import[] {
  return sources().flatMap(({ path, text }) =>
    [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '(\.[^']*)'|\bimport\('(\.[^']*)'\)/gm)].map(
      (match) => ({
        from: path,
        to: posix.join(posix.dirname(path), (match[1] ?? match[2]) as string),
      }),
    ),
  );
}

/** `src/storage/memory/driver.ts` gives `storage` and `memory`. */
function place(path: string): { layer: string; driver: string | undefined } {
  const [, layer = '', driver, ...rest] = path.split('/');
  return { layer, driver: rest.length > 0 ? driver : undefined };
}

test('every layer was looked at', () => {
  const counts = new Map<string, number>();
  for (const { path } of sources()) {
    counts.set(place(path).layer, (counts.get(place(path).layer) ?? 0) + 1);
  }
  expect([...counts.keys()].toSorted()).toEqual([...ALLOWED.keys()].toSorted());
  for (const [layer, least] of [
    ['pkg', 10],
    ['bittorrent', 12],
    ['storage', 10],
    ['middleware', 10],
    ['frontend', 20],
    ['config', 8],
    ['server', 4],
    ['cli', 10],
  ] as const) {
    expect(counts.get(layer), layer).toBeGreaterThanOrEqual(least);
  }
  expect(imports().length).toBeGreaterThan(300);
});

test('imports go one way only', () => {
  const wrong = imports().filter(({ from, to }) => {
    const [mine, theirs] = [place(from).layer, place(to).layer];
    return mine !== theirs && !ALLOWED.get(mine)?.includes(theirs);
  });
  expect(wrong).toEqual([]);
});

test('middleware knows the contract of storage, not its drivers', () => {
  const wrong = imports().filter(
    ({ from, to }) =>
      place(from).layer === 'middleware' && place(to).layer === 'storage' && to !== 'src/storage/storage.ts',
  );
  expect(wrong).toEqual([]);
});

test('a driver knows no sibling, and only the table and the server know a driver', () => {
  const wrong = imports().filter(({ from, to }) => {
    const [mine, theirs] = [place(from), place(to)];
    if (!DRIVERS.includes(theirs.layer) || theirs.driver === undefined) return false;
    if (mine.layer === theirs.layer && mine.driver === theirs.driver) return false;
    // The options of the frontends are part of the type of `createTracker`.
    const named = from.endsWith('/drivers.ts') || from === 'src/server/create-tracker.ts';
    return !(named && to.endsWith('/driver.ts'));
  });
  expect(wrong).toEqual([]);
});
