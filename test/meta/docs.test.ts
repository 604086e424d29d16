/** What is listed in docs/ and dist/ is what there is: neither side may drift. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { exampleConfig } from '../../src/config/example.ts';
import { parseText } from '../../src/config/load.ts';
import { configurationReference } from '../../src/config/reference.ts';
import type { HookDriver } from '../../src/middleware/middleware.ts';
import type { Metric } from '../../src/pkg/metrics.ts';
import { builtIn } from '../../src/server/built-in.ts';
import { createTracker } from '../../src/server/create-tracker.ts';
import { RedisMetrics } from '../../src/storage/redis/metrics.ts';
import { filesUnder, sources } from './sources.ts';

/** The first cells, without their backquotes, of the rows of a page's tables whose heads begin with `head`. */
function firstCells(path: string, head: string): string[] {
  const cells: string[] = [];
  let inTable = false;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line.startsWith(`| ${head} |`)) inTable = true;
    else if (!line.startsWith('|')) inTable = false;
    else if (inTable && !line.startsWith('| --- ')) cells.push(/^\| `([^`]*)` /.exec(line)?.[1] ?? line);
  }
  return cells;
}

test('docs/errors.md lists every text that a client is told', () => {
  const texts = sources()
    .flatMap(({ text }) => [...text.matchAll(/new ClientError\(\s*(?:'([^']*)'|([^)]*))/g)])
    .map((match) => match[1] ?? `not a literal: ${match[2]}`);
  expect(texts.length).toBeGreaterThanOrEqual(20);
  expect(firstCells('docs/errors.md', 'text').toSorted()).toEqual([...new Set(texts)].toSorted());
});

test('docs/metrics.md lists every metric of our own', async () => {
  const tracker = await createTracker({
    http: { addr: '127.0.0.1:0' },
    udp: { addr: '127.0.0.1:0' },
    prehooks: [{ name: 'torrent approval' }],
  });
  const text = await tracker.metrics();
  await tracker.stop();
  const metrics = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(
    ([, name]) => !/^(process|nodejs)_/.test(name ?? ''),
  );
  expect(metrics.length).toBeGreaterThanOrEqual(6);
  expect(firstCells('docs/metrics.md', 'metric').toSorted()).toEqual(
    metrics.map(([, name]) => name).toSorted(),
  );
  const page = readFileSync('docs/metrics.md', 'utf8');
  for (const [, name, type] of metrics) expect(page).toContain(`| \`${name}\` | ${type} |`);
});

test('docs/metrics.md lists every metric of a hook', () => {
  const always = firstCells('docs/metrics.md', 'metric');
  const names = filesUnder('src/middleware', '.ts')
    .flatMap(({ text }) => [...text.matchAll(/name: '(chihaya_\w+)'/g)].map(([, name]) => name as string))
    .filter((name) => !always.includes(name));
  expect(names.length).toBeGreaterThanOrEqual(3);
  expect(firstCells('docs/metrics.md', 'metric of a hook').toSorted()).toEqual(names.toSorted());
});

test('docs/metrics.md lists every metric of the Redis store', () => {
  const metrics: Metric[] = [];
  new RedisMetrics().register({ register: (metric) => void metrics.push(metric) }, () => true);
  expect(metrics.length).toBe(5);
  expect(firstCells('docs/metrics.md', 'metric of the Redis store')).toEqual(metrics.map(({ name }) => name));
  const page = readFileSync('docs/metrics.md', 'utf8');
  for (const { name, type } of metrics) expect(page).toContain(`| \`${name}\` | ${type} |`);
});

describe('generated files are as `npm run generate` writes them', () => {
  test('dist/example_config.yaml', () => {
    expect(readFileSync('dist/example_config.yaml', 'utf8')).toBe(exampleConfig(builtIn));
  });

  test('docs/configuration.md', () => {
    expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationReference(builtIn));
  });
});

describe('every configuration that can be copied loads, without warnings', () => {
  const blocks = [
    ...['README.md', 'docs']
      .flatMap((path) => filesUnder(path, '.md'))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^```ya?ml(?: title=\S+)?\n(.*?)^```/gms)].map((match, i) => ({
          name: `${path}#${i + 1}`,
          text: match[1] ?? '',
        })),
      ),
    ...['dist', 'examples']
      .flatMap((path) => filesUnder(path, '.yaml'))
      .map(({ path, text }) => ({ name: path, text })),
  ];
  // Files of other tools, as of Compose or Helm, have other top keys.
  const ours = blocks.filter(
    ({ text }) =>
      /^chihaya:/m.test(text) ||
      !/^(services|apiVersion|kind|groups|scrape_configs|image|replicas):/m.test(text),
  );

  /** Modules of the reader's own are not there to be loaded; those of `examples/` are tested as they stand. */
  const module: HookDriver = { name: 'yours', summary: '', options: z.looseObject({}), create: () => hook };
  const hook = { handleAnnounce() {}, handleScrape() {} };
  const named = ours.flatMap(({ text }) => [...text.matchAll(/- name: "?(\.\/[\w/.-]+)/g)]);
  const modules = new Map(named.map(([, name = '']) => [name, module]));

  test('there are some', () => {
    expect(ours.length).toBeGreaterThanOrEqual(3);
    expect(modules.size).toBeGreaterThanOrEqual(3);
  });

  test.each(ours)('$name', ({ name, text }) => {
    // A block may begin at a key of ours, to be put under `chihaya`.
    const whole = /^chihaya:/m.test(text) ? text : `chihaya:\n${text.replace(/^(?=.)/gm, '  ')}`;
    expect(parseText(whole, name, { ...builtIn, modules }).warnings).toEqual([]);
  });

  test('the example shows every key, those in comments included', () => {
    const text = readFileSync('dist/example_config.yaml', 'utf8');
    const reference = readFileSync('docs/configuration.md', 'utf8');
    const keys = [...reference.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, key]) => key);
    expect(keys.length).toBeGreaterThan(30);
    for (const key of keys) expect(text).toMatch(new RegExp(`^[ #]*${key}:`, 'm'));
  });
});
