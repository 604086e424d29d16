/** What hooks share among threads, in a tracker of one thread; of several: the hooks that use it, in workers.test.ts. */

import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import {
  createTracker,
  defineHook,
  type Hook,
  type Shared,
  type SourceDependencies,
  type Tracker,
} from '../../src/index.ts';
import { MemoryLogger } from '../support/memory-logger.ts';

const NAME = 'shares a number';

/** A driver that shares a number, and what a test can see of it. */
function sharing() {
  const events: string[] = [];
  const asked: unknown[] = [];
  const sources: SourceDependencies<number>[] = [];
  const views: Shared<number>[] = [];
  const driver = defineHook({
    name: NAME,
    summary: 'For a test.',
    options: z.strictObject({ first: z.number() }),
    share({ first }, dependencies: SourceDependencies<number>) {
      sources.push(dependencies);
      return {
        value: first,
        receive: (message) => void asked.push(message),
        refresh: async () => void events.push('source refreshed'),
        stop: () => void events.push('source stopped'),
      };
    },
    create(_options, { shared, metrics }): Hook {
      views.push(shared);
      metrics.register({
        name: 'test_seen',
        help: 'For a test',
        type: 'counter',
        collect: () => [{ labels: {}, value: shared.value }],
      });
      return { handleAnnounce() {}, handleScrape() {}, stop: () => void events.push('hook stopped') };
    },
  });
  return { driver, events, asked, sources, views };
}

async function start(driver: ReturnType<typeof sharing>['driver'], firsts: number[]): Promise<Tracker> {
  const prehooks = firsts.map((first) => ({ name: NAME, options: { first } }));
  const tracker = await createTracker(
    { udp: { addr: '127.0.0.1:0' }, prehooks },
    { hookDrivers: [driver], logger: new MemoryLogger() },
  );
  onTestFinished(() => tracker.stop());
  return tracker;
}

describe('a hook with a source', () => {
  test('begins with its value, and sees those that follow', async () => {
    const { driver, sources, views } = sharing();
    await start(driver, [1, 10]);
    expect(views.map(({ value }) => value)).toEqual([1, 10]);
    const seen: number[] = [];
    views[1]?.onChange((value) => void seen.push(value));
    sources[0]?.publish(2);
    sources[1]?.publish(11);
    sources[1]?.publish(12);
    expect(views.map(({ value }) => value)).toEqual([2, 12]);
    expect(seen).toEqual([11, 12]);
  });

  test('asks its own source', async () => {
    const { driver, asked, views } = sharing();
    await start(driver, [1]);
    views[0]?.ask({ kid: 'a' });
    expect(asked).toEqual([{ kid: 'a' }]);
  });

  test('is stopped before its source, which refresh reaches', async () => {
    const { driver, events } = sharing();
    const tracker = await start(driver, [1]);
    await tracker.refresh();
    await tracker.stop();
    expect(events).toEqual(['source refreshed', 'hook stopped', 'source stopped']);
  });

  test('whose source cannot be made stops the start, and the sources before it', async () => {
    const { driver, events } = sharing();
    const failing = defineHook({
      ...driver,
      name: 'fails',
      share: () => Promise.reject(new Error('no such list')),
    });
    const prehooks = [
      { name: NAME, options: { first: 1 } },
      { name: 'fails', options: { first: 1 } },
    ];
    await expect(createTracker({ prehooks }, { hookDrivers: [driver, failing] })).rejects.toThrow(
      'fails: no such list',
    );
    expect(events).toEqual(['source stopped']);
  });

  test('adds its metrics to those of others of its kind', async () => {
    const { driver } = sharing();
    const tracker = await start(driver, [1, 10]);
    expect(await tracker.metrics()).toMatch(/^test_seen 11$/m);
  });
});
