/** What every hook owes to the logic and to the operator. A driver calls this in a line of its own test. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { type AnnounceRequest, AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { ClientError } from '../../src/bittorrent/client-error.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import type { AnnounceEvent } from '../../src/bittorrent/event.ts';
import { ScrapeResponse } from '../../src/bittorrent/scrape.ts';
import type { Hook, HookDriver } from '../../src/middleware/middleware.ts';
import { type OpenHook, openHook } from '../support/open-hook.ts';
import { announce, responseTo, scrape, someInfohash, somePeerId } from '../support/requests.ts';

export interface RefusedOptions {
  readonly options: unknown;
  /** Where the fault lies, as in `whitelist.0`; empty for the options as a whole. */
  readonly path: string;
  /** Part of what the operator is told. */
  readonly message: string | RegExp;
}

export interface HookCases<Schema extends z.ZodType> {
  /** The first of them is used wherever one set of options is enough. */
  readonly valid: readonly z.input<Schema>[];
  readonly invalid: readonly RefusedOptions[];
  /** Announces of which at least one is refused or changed, for each of `valid`; else the suite proves little. */
  readonly announces?: readonly AnnounceRequest[];
  /** False for a hook that may return a promise. */
  readonly synchronous?: boolean;
  /** False for a hook that also rules on scrapes. */
  readonly scrapesPass?: boolean;
}

/** 64 announces that differ in everything a hook may look at. */
const MIXED: readonly AnnounceRequest[] = Array.from({ length: 64 }, (_, i) =>
  announce({
    infohash: someInfohash(i % 8),
    peerId: somePeerId(i, ['-TR4050-', '-qB4630-', 'M7-10-5--'][i % 3] as string),
    address: i % 2 ? `192.0.2.${i}` : `2001:db8::${i}`,
    port: 1 + i * 1023,
    event: (i % 4) as AnnounceEvent,
    left: i % 5 ? 1000 * i : 0,
    numwant: i,
  }),
);

export function describeHook<Schema extends z.ZodType>(
  driver: HookDriver<Schema>,
  cases: HookCases<Schema>,
): void {
  const { synchronous = true, scrapesPass = true, announces = MIXED } = cases;
  const opened: OpenHook[] = [];
  const create = async (options: z.input<Schema>): Promise<Hook> => {
    const open = await openHook(driver, options);
    opened.push(open);
    return open.hook;
  };
  const someOptions = cases.valid[0] as z.input<Schema>;

  describe(`hook "${driver.name}"`, () => {
    afterEach(async () => {
      for (const { source } of opened.splice(0)) await source?.stop?.();
    });

    it('has a summary of one sentence', () => {
      expect(driver.summary).toMatch(/^[A-Z].*[^.]\.$/);
    });

    it.each(cases.valid.map((options) => [JSON.stringify(options), options]))(
      'accepts %s',
      async (_, options) => {
        const hook = await create(options);
        await hook.stop?.();
      },
    );

    it.each(cases.invalid.map((refused) => [JSON.stringify(refused.options), refused] as const))(
      'refuses %s, and says where and why',
      (_, { options, path, message }) => {
        const { error } = driver.options.safeParse(options);
        const issues = error?.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
        const wanted =
          typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message);
        expect(issues).toEqual([{ path, message: wanted }]);
      },
    );

    it('refuses an option that it does not know', () => {
      const { error } = driver.options.safeParse({ ...(someOptions as object), no_such_option: 1 });
      expect(error?.issues.map(({ code }) => code)).toEqual(['unrecognized_keys']);
    });

    it.runIf(synchronous)('answers at once', async () => {
      for (const options of cases.valid) {
        const hook = await create(options);
        for (const request of announces) {
          const context = new RequestContext();
          expectAtOnce(() => hook.handleAnnounce(context, request, responseTo(request)));
          expectAtOnce(() => hook.handleScrape(context, scrape([request.infohash]), new ScrapeResponse()));
        }
        await hook.stop?.();
      }
    });

    it.runIf(scrapesPass)('lets scrapes pass untouched', async () => {
      for (const options of cases.valid) {
        const hook = await create(options);
        const context = new RequestContext();
        const request = scrape(announces.map(({ infohash }) => infohash));
        const response = new ScrapeResponse();
        response.reset(request.infohashes.length);
        await hook.handleScrape(context, request, response);
        expect(request).toEqual(scrape(announces.map(({ infohash }) => infohash)));
        expect(response.files.every((file) => file.complete + file.incomplete + file.snatches === 0)).toBe(
          true,
        );
        expect([context.skipResponseHook, context.skipSwarmInteraction]).toEqual([false, false]);
        await hook.stop?.();
      }
    });

    it('does not confuse requests that are under way at once, in whatever order they come', async () => {
      for (const options of cases.valid) {
        const hook = await create(options);
        const alone: Outcome[] = [];
        for (const request of announces) alone.push(await outcome(hook, request));
        const backwards = await Promise.all(
          [...announces].reverse().map((request) => outcome(hook, request)),
        );
        expect(backwards.reverse()).toEqual(alone);
        await hook.stop?.();
      }
    });

    it('does not depend on the identity of request objects, which are used again', async () => {
      const hook = await create(someOptions);
      const reused = announce();
      const response = responseTo(reused);
      const context = new RequestContext();
      for (const request of announces) {
        const alone = await outcome(hook, request);
        copyInto(reused, request);
        response.reset(reused.peer.family);
        context.reset();
        expect(await outcome(hook, reused, context, response)).toEqual(alone);
      }
      await hook.stop?.();
    });

    it('keeps no request, response or context after its end', async () => {
      const hook = await create(someOptions);
      const refs = await runAndForget(hook, announces);
      await nextTurn();
      collectGarbage();
      expect(refs.filter((ref) => ref.deref() !== undefined)).toHaveLength(0);
      expect(refs).toHaveLength(announces.length * 3);
      await hook.stop?.();
    });
  });
}

/** Refusing is an answer, too. */
function expectAtOnce(run: () => unknown): void {
  try {
    expect(run()).toBeUndefined();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
  }
}

interface Outcome {
  readonly error: string | undefined;
  readonly interval: number;
  readonly minInterval: number;
  readonly includeExternalIp: boolean;
  readonly peers: number;
  /** How many levels the preference has that it set. */
  readonly levels: number | undefined;
  readonly skipResponseHook: boolean;
  readonly skipSwarmInteraction: boolean;
}

/** What a hook did to an announce. The infohash and the peer must have been left alone. */
async function outcome(
  hook: Hook,
  request: AnnounceRequest,
  context = new RequestContext(),
  response = responseTo(request),
): Promise<Outcome> {
  const before = Buffer.concat([request.infohash.bytes, request.peer.bytes]);
  response.interval = 1800;
  response.minInterval = 900;
  let error: string | undefined;
  try {
    await hook.handleAnnounce(context, request, response);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ClientError);
    error = (thrown as ClientError).message;
  }
  expect(Buffer.concat([request.infohash.bytes, request.peer.bytes])).toEqual(before);
  const { interval, minInterval, includeExternalIp, peers } = response;
  const { skipResponseHook, skipSwarmInteraction } = context;
  return {
    error,
    interval,
    minInterval,
    includeExternalIp,
    peers: peers.count,
    levels: context.peerPreference?.levels,
    skipResponseHook,
    skipSwarmInteraction,
  };
}

function copyInto(target: AnnounceRequest, source: AnnounceRequest): void {
  target.infohash.set(source.infohash.bytes, 0);
  target.peer.bytes.set(source.peer.bytes);
  target.peer.family = source.peer.family;
  target.counters.set(source.counters);
  target.params.assign(
    Buffer.from(source.params.path + source.params.query, 'latin1'),
    0,
    source.params.path.length,
    source.params.path.length,
    source.params.path.length + source.params.query.length,
  );
  target.event = source.event;
  target.eventProvided = source.eventProvided;
  target.numwant = source.numwant;
  target.numwantProvided = source.numwantProvided;
}

/** In a function of its own, so that no variable of the test keeps the objects alive. */
async function runAndForget(hook: Hook, announces: readonly AnnounceRequest[]): Promise<WeakRef<object>[]> {
  const refs: WeakRef<object>[] = [];
  for (const source of announces) {
    const request = announce();
    copyInto(request, source);
    const response = new AnnounceResponse();
    response.reset(request.peer.family);
    const context = new RequestContext();
    await outcome(hook, request, context, response);
    refs.push(new WeakRef(request), new WeakRef(response), new WeakRef(context));
  }
  return refs;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
