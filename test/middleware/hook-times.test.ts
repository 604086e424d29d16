import { expect, test } from 'vitest';
import { ClientError } from '../../src/bittorrent/client-error.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { ScrapeResponse } from '../../src/bittorrent/scrape.ts';
import { HookTimes } from '../../src/middleware/hook-times.ts';
import { Logic } from '../../src/middleware/logic.ts';
import type { Hook } from '../../src/middleware/middleware.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { NaivePeerStore } from '../support/naive-peer-store.ts';
import { announce, responseTo, scrape, someInfohash } from '../support/requests.ts';

function setUp(prehook: Hook, posthook: Hook) {
  const hookTimes = new HookTimes();
  const logic = new Logic({
    store: new NaivePeerStore(),
    preHooks: [{ name: 'first', hook: prehook }],
    postHooks: [{ name: 'last', hook: posthook }],
    announceInterval: 1_800_000,
    minAnnounceInterval: 900_000,
    logger: silentLogger,
    hookTimes,
  });
  const read = (name: string) =>
    Object.fromEntries(
      hookTimes.metrics
        .find((metric) => metric.name === name)
        ?.collect()
        .map(({ labels, value }) => [`${labels.stage} ${labels.hook}`, value]) ?? [],
    );
  return {
    logic,
    calls: () => read('chihaya_hook_calls_total'),
    seconds: () => read('chihaya_hook_seconds_total'),
  };
}

const idle: Hook = { handleAnnounce() {}, handleScrape() {} };

/** Keeps the thread for so many milliseconds. */
function spend(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

test('each hook is timed by itself, those that come with the tracker too', async () => {
  const { logic, calls, seconds } = setUp({ ...idle, handleAnnounce: () => spend(200) }, idle);
  const request = announce();
  const response = responseTo(request);
  expect(logic.handleAnnounce(new RequestContext(), request, response)).toBeUndefined();
  expect(calls()).toEqual({
    'prehook first': 1,
    'prehook response': 1,
    'posthook last': 0,
    'posthook swarm interaction': 0,
  });
  logic.afterAnnounce(new RequestContext(), request, response);
  expect(calls()).toMatchObject({ 'posthook last': 1, 'posthook swarm interaction': 1 });
  expect(seconds()['prehook first']).toBeGreaterThanOrEqual(0.2);
  expect(seconds()['prehook response']).toBeLessThan(0.2);
});

test('what a hook waits for counts, and so does what ends in an error', async () => {
  const refused = new ClientError('refused by a test');
  let refuse = () => {};
  const waiting: Hook = {
    handleAnnounce: () =>
      new Promise((_resolve, reject) => {
        refuse = () => reject(refused);
      }),
    handleScrape() {
      throw refused;
    },
  };
  const { logic, calls, seconds } = setUp(waiting, idle);
  const request = announce();
  const pending = logic.handleAnnounce(new RequestContext(), request, responseTo(request));
  spend(20);
  expect(calls()['prehook first']).toBe(0);
  refuse();
  await expect(pending).rejects.toBe(refused);
  expect(calls()).toMatchObject({ 'prehook first': 1, 'prehook response': 0 });
  expect(seconds()['prehook first']).toBeGreaterThanOrEqual(0.02);

  const asked = scrape([someInfohash(0)]);
  expect(() => logic.handleScrape(new RequestContext(), asked, new ScrapeResponse())).toThrow(refused);
  expect(calls()['prehook first']).toBe(2);
});
