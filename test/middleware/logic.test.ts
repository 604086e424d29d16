import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { AnnounceRequest, AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { ClientError } from '../../src/bittorrent/client-error.ts';
import { ContextKey, RequestContext } from '../../src/bittorrent/context.ts';
import { AnnounceEvent } from '../../src/bittorrent/event.ts';
import { type ScrapeRequest, ScrapeResponse } from '../../src/bittorrent/scrape.ts';
import { HookError, type NamedHook } from '../../src/middleware/hook-chain.ts';
import { Logic } from '../../src/middleware/logic.ts';
import type { Hook } from '../../src/middleware/middleware.ts';
import type { PeerStore } from '../../src/storage/storage.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { NaivePeerStore } from '../support/naive-peer-store.ts';
import { PromisedPeerStore } from '../support/promised-peer-store.ts';
import { announce, peersOf, responseTo, scrape, someInfohash } from '../support/requests.ts';

type Announced = (
  context: RequestContext,
  request: AnnounceRequest,
  response: AnnounceResponse,
) => void | Promise<void>;
type Scraped = (
  context: RequestContext,
  request: ScrapeRequest,
  response: ScrapeResponse,
) => void | Promise<void>;

function hook(name: string, handleAnnounce: Announced, handleScrape: Scraped = () => {}): NamedHook {
  return { name, hook: { handleAnnounce, handleScrape } };
}

function setUp(preHooks: NamedHook[], postHooks: NamedHook[] = [], store: PeerStore = new NaivePeerStore()) {
  const logger = new MemoryLogger();
  const logic = new Logic({
    store,
    preHooks,
    postHooks,
    announceInterval: 1_800_000,
    minAnnounceInterval: 900_000,
    logger,
  });
  return { logic, store, logger };
}

const refused = new ClientError('refused by a test');

describe('Logic', () => {
  it('tells clients seconds, before the PreHooks, which may change them', () => {
    let seen: number[] = [];
    const { logic } = setUp([
      hook('longer', (_context, _request, response) => {
        seen = [response.interval, response.minInterval];
        response.interval += 7;
      }),
    ]);
    const request = announce();
    const response = responseTo(request);
    logic.handleAnnounce(new RequestContext(), request, response);
    expect(seen).toEqual([1800, 900]);
    expect([response.interval, response.minInterval]).toEqual([1807, 900]);
  });

  it('counts announces that were answered, by event and family', () => {
    const { logic } = setUp([]);
    for (const [event, address, times] of [
      [AnnounceEvent.None, '192.0.2.1', 1],
      [AnnounceEvent.Completed, '192.0.2.1', 2],
      [AnnounceEvent.Started, '2001:db8::1', 3],
      [AnnounceEvent.Stopped, '2001:db8::1', 4],
    ] as const) {
      const request = announce({ event, address });
      for (let i = 0; i < times; i++) logic.afterAnnounce(new RequestContext(), request, responseTo(request));
    }
    const samples = logic.announces.collect();
    expect(samples).toHaveLength(8);
    expect(samples.filter(({ value }) => value > 0)).toEqual([
      { labels: { event: 'none', address_family: 'IPv4' }, value: 1 },
      { labels: { event: 'completed', address_family: 'IPv4' }, value: 2 },
      { labels: { event: 'started', address_family: 'IPv6' }, value: 3 },
      { labels: { event: 'stopped', address_family: 'IPv6' }, value: 4 },
    ]);
  });

  it('never tells an interval of 0', () => {
    const { store, logger } = setUp([]);
    const logic = new Logic({
      store,
      preHooks: [],
      postHooks: [],
      announceInterval: 400,
      minAnnounceInterval: 1,
      logger,
    });
    const request = announce();
    const response = responseTo(request);
    logic.handleAnnounce(new RequestContext(), request, response);
    expect([response.interval, response.minInterval]).toEqual([1, 1]);
  });

  // Every way of mixing hooks that answer at once with hooks that answer later: 2^3 PreHooks.
  it.each(Array.from({ length: 8 }, (_, mask) => mask))(
    'runs hooks in order, PreHooks before the store is read and PostHooks before it is written (mix %i)',
    async (mask) => {
      const log: string[] = [];
      const store = new NaivePeerStore();
      const step = (name: string, later: boolean): NamedHook => {
        const note = () => void log.push(`${name} ${store.totals().leechers}`);
        const handle = async () => {
          await nextTurn();
          note();
        };
        return later ? hook(name, handle, handle) : hook(name, note, note);
      };
      const names = ['a', 'b', 'c'];
      const { logic } = setUp(
        names.map((name, i) => step(name, (mask & (1 << i)) !== 0)),
        names.map((name, i) => step(name.toUpperCase(), (mask & (1 << i)) !== 0)),
        store,
      );
      const request = announce();
      const response = responseTo(request);
      const context = new RequestContext();
      const before = logic.handleAnnounce(context, request, response);
      expect(before instanceof Promise).toBe(mask !== 0);
      await before;
      log.push(`answer ${response.incomplete}`);
      const after = logic.afterAnnounce(context, request, response);
      expect(after instanceof Promise).toBe(mask !== 0);
      await after;
      log.push(`done ${store.totals().leechers}`);
      expect(log).toEqual(['a 0', 'b 0', 'c 0', 'answer 1', 'A 0', 'B 0', 'C 0', 'done 1']);

      log.length = 0;
      const scrapeRequest = scrape([request.infohash]);
      const scrapeResponse = new ScrapeResponse();
      await logic.handleScrape(context, scrapeRequest, scrapeResponse);
      log.push(`answer ${scrapeResponse.files[0]?.incomplete}`);
      await logic.afterScrape(context, scrapeRequest, scrapeResponse);
      expect(log).toEqual(['a 1', 'b 1', 'c 1', 'answer 1', 'A 1', 'B 1', 'C 1']);
    },
  );

  it('carries values from PreHooks to PostHooks', () => {
    const key = new ContextKey<number>('answer');
    const sameName = new ContextKey<number>('answer');
    const got: unknown[] = [];
    const { logic } = setUp(
      [hook('sets', (context) => context.set(key, 42))],
      [hook('gets', (context) => void got.push(context.get(key), context.get(sameName)))],
    );
    const request = announce();
    const context = new RequestContext();
    logic.handleAnnounce(context, request, responseTo(request));
    logic.afterAnnounce(context, request, responseTo(request));
    expect(got).toEqual([42, undefined]);
  });

  it('keeps apart requests that wait at the same time', async () => {
    const key = new ContextKey<number>('port');
    const seen: [number, number | undefined][] = [];
    const { logic, store } = setUp(
      [
        hook('slow', async (context, request) => {
          context.set(key, request.peer.port);
          // Those that came first end last.
          for (let i = request.peer.port; i < 50; i++) await nextTurn();
        }),
      ],
      [hook('gets', (context, request) => void seen.push([request.peer.port, context.get(key)]))],
      new PromisedPeerStore(new NaivePeerStore()),
    );
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const request = announce({ port: 30 + i, infohash: someInfohash(i) });
        const context = new RequestContext();
        const response = responseTo(request);
        await logic.handleAnnounce(context, request, response);
        expect(peersOf(response)).toEqual([`192.0.2.1:${30 + i}`]);
        await logic.afterAnnounce(context, request, response);
      }),
    );
    expect(seen.map(([port]) => port).sort()).toEqual(Array.from({ length: 20 }, (_, i) => 30 + i));
    expect(seen[0]?.[0]).toBe(49);
    for (const [port, value] of seen) expect(value).toBe(port);
    expect(await store.totals()).toEqual({ infohashes: 20, seeders: 0, leechers: 20 });
  });

  it('leaves the store unread if a PreHook has answered, and unwritten if one says so', async () => {
    for (const wrap of [false, true]) {
      const naive = new NaivePeerStore();
      const store = wrap ? new PromisedPeerStore(naive) : naive;
      const { logic } = setUp(
        [
          hook(
            'answers',
            (context, _request, response) => {
              context.skipResponseHook = true;
              context.skipSwarmInteraction = true;
              response.complete = 77;
            },
            (context, _request, response) => {
              context.skipResponseHook = true;
              if (response.files[0]) response.files[0].snatches = 78;
            },
          ),
        ],
        [],
        store,
      );
      const request = announce();
      const response = responseTo(request);
      const context = new RequestContext();
      expect(logic.handleAnnounce(context, request, response)).toBeUndefined();
      expect(logic.afterAnnounce(context, request, response)).toBeUndefined();
      expect([response.complete, response.incomplete, response.peers.count]).toEqual([77, 0, 0]);
      expect(naive.swarms.size).toBe(0);

      const scraped = new ScrapeResponse();
      expect(logic.handleScrape(context, scrape([request.infohash]), scraped)).toBeUndefined();
      expect(scraped.files).toEqual([{ complete: 0, incomplete: 0, snatches: 78 }]);
    }
  });

  describe('when a PreHook fails', () => {
    const later = async (error: unknown): Promise<void> => {
      await nextTurn();
      throw error;
    };
    const now = (error: unknown): void => {
      throw error;
    };
    const run = async (error: unknown, fail: typeof later | typeof now) => {
      let reached = false;
      const { logic, logger } = setUp([
        hook('first', () => {}),
        hook(
          'fails',
          () => fail(error),
          () => fail(error),
        ),
        hook(
          'last',
          () => {
            reached = true;
          },
          () => {
            reached = true;
          },
        ),
      ]);
      const request = announce();
      const thrown: unknown[] = [];
      for (const handle of [
        () => logic.handleAnnounce(new RequestContext(), request, responseTo(request)),
        () => logic.handleScrape(new RequestContext(), scrape([request.infohash]), new ScrapeResponse()),
      ]) {
        try {
          await handle();
        } catch (caught) {
          thrown.push(caught);
        }
      }
      expect(reached).toBe(false);
      // Frontends log what they are thrown: once is enough.
      expect(logger.lines).toEqual([]);
      expect(thrown).toHaveLength(2);
      return thrown;
    };

    it.each([
      ['at once', now],
      ['later', later],
    ])('hands on a ClientError as it is (%s)', async (_, fail) => {
      for (const thrown of await run(refused, fail)) expect(thrown).toBe(refused);
    });

    it.each([
      ['at once', now],
      ['later', later],
    ])('wraps anything else in an error that names the hook (%s)', async (_, fail) => {
      for (const cause of [new Error('connection refused'), 'a string', undefined]) {
        for (const thrown of await run(cause, fail)) {
          expect(thrown).toBeInstanceOf(HookError);
          expect(thrown).not.toBeInstanceOf(ClientError);
          expect((thrown as HookError).message).toBe('hook "fails" failed');
          expect((thrown as HookError).cause).toBe(cause);
        }
      }
    });

    it('throws at once what failed at once, and rejects with what failed later', () => {
      const { logic } = setUp([hook('fails', () => now(refused))]);
      const request = announce();
      expect(() => logic.handleAnnounce(new RequestContext(), request, responseTo(request))).toThrow(refused);
    });
  });

  describe('when something fails after the answer', () => {
    const request = announce();
    const boom = new Error('boom');

    it.each([
      [
        'at once',
        () => ({
          fail: (error: Error) => {
            throw error;
          },
        }),
      ],
      [
        'later',
        () => ({
          fail: (error: Error) =>
            nextTurn().then(() => {
              throw error;
            }),
        }),
      ],
    ])('logs it with the name of the PostHook, a ClientError too, and stops there (%s)', async (_, make) => {
      for (const error of [boom, refused]) {
        const { fail } = make();
        const { logic, logger, store } = setUp(
          [],
          [
            hook(
              'fails',
              () => fail(error),
              () => fail(error),
            ),
            hook(
              'last',
              () => {
                throw new Error('not reached');
              },
              () => {
                throw new Error('not reached');
              },
            ),
          ],
        );
        const announced = () => logic.afterAnnounce(new RequestContext(), request, responseTo(request));
        const scraped = () =>
          logic.afterScrape(new RequestContext(), scrape([request.infohash]), new ScrapeResponse());
        await (error === boom ? announced() : scraped());
        const line = {
          level: 'error',
          message: 'a hook failed after the answer',
          fields: { hook: 'fails', err: error },
        };
        expect(logger.lines).toEqual([line]);
        // Of those that fail alike, one a second is logged.
        await (error === boom ? scraped() : announced());
        expect(logger.lines).toEqual([line]);
        expect((await store.totals()).infohashes).toBe(0);
      }
    });

    it.each([
      ['at once', false],
      ['later', true],
    ])('logs a store that fails (%s)', async (_, wrap) => {
      const naive = new NaivePeerStore();
      naive.putLeecher = () => {
        throw boom;
      };
      const { logic, logger } = setUp([], [], wrap ? new PromisedPeerStore(naive) : naive);
      await logic.afterAnnounce(new RequestContext(), request, responseTo(request));
      expect(logger.lines.map(({ fields }) => fields)).toEqual([{ hook: 'swarm interaction', err: boom }]);
    });
  });

  it('wraps what a store throws while it is read', async () => {
    const boom = new Error('boom');
    for (const wrap of [false, true]) {
      const naive = new NaivePeerStore();
      naive.announcePeers = () => {
        throw boom;
      };
      naive.scrapeSwarm = () => {
        throw boom;
      };
      const { logic } = setUp([], [], wrap ? new PromisedPeerStore(naive) : naive);
      const request = announce({ event: AnnounceEvent.Started });
      const many = scrape([someInfohash(1), someInfohash(2), someInfohash(3)]);
      for (const handle of [
        async () => logic.handleAnnounce(new RequestContext(), request, responseTo(request)),
        async () => logic.handleScrape(new RequestContext(), many, new ScrapeResponse()),
      ]) {
        await expect(handle()).rejects.toThrow(expect.objectContaining({ hook: 'response', cause: boom }));
      }
    }
  });

  it('stops every configured hook in order, whatever one of them does', async () => {
    const stopped: string[] = [];
    const stopping = (name: string, stop?: () => void | Promise<void>): NamedHook => {
      const idle: Hook = { handleAnnounce() {}, handleScrape() {} };
      return { name, hook: stop ? { ...idle, stop } : idle };
    };
    const { logic, logger } = setUp(
      [
        stopping('a', async () => {
          await nextTurn();
          stopped.push('a');
        }),
        stopping('b'),
        stopping('c', () => {
          throw new Error('boom');
        }),
      ],
      [stopping('d', () => void stopped.push('d'))],
    );
    await logic.stop();
    expect(stopped).toEqual(['a', 'd']);
    expect(logger.lines.map(({ message, fields }) => [message, fields.hook])).toEqual([
      ['a hook failed to stop', 'c'],
    ]);
  });
});
