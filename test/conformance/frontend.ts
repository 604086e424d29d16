/**
 * What every frontend does, whatever its protocol: the contract of `src/frontend/frontend.ts` and of
 * `TrackerLogic`. A frontend's test calls `describeFrontend` with a harness that opens it and speaks its
 * protocol as a client.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AnnounceRequest, AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { ClientError } from '../../src/bittorrent/client-error.ts';
import { ContextKey, type RequestContext } from '../../src/bittorrent/context.ts';
import { AnnounceEvent } from '../../src/bittorrent/event.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import type { ScrapeRequest, ScrapeResponse } from '../../src/bittorrent/scrape.ts';
import type { TrackerLogic } from '../../src/bittorrent/tracker-logic.ts';
import type {
  Frontend,
  FrontendDependencies,
  FrontendDriver,
  PreparedChange,
} from '../../src/frontend/frontend.ts';
import { parseIp } from '../../src/pkg/ip-address.ts';
import type { Metric } from '../../src/pkg/metrics.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { freePort } from '../support/reserved-port.ts';

export interface ClientAnnounce {
  /** 40 hexadecimal digits. */
  readonly infohash: string;
  /** 20 ASCII characters. */
  readonly peerId: string;
  readonly port: number;
  readonly left: bigint;
  readonly downloaded: bigint;
  readonly uploaded: bigint;
  readonly event: AnnounceEvent;
  readonly numwant: number;
}

/** What a client was told that announced; `failure` if it was refused. */
export type AnnounceAnswer =
  | {
      readonly complete: number;
      readonly incomplete: number;
      readonly interval: number;
      /** `undefined` where the protocol does not know it. */
      readonly minInterval: number | undefined;
      readonly peers: readonly { readonly address: string; readonly port: number }[];
    }
  | { readonly failure: string };

/** Counts by infohash (hex), in any order. */
export type ScrapeAnswer =
  | {
      readonly files: ReadonlyMap<
        string,
        { readonly complete: number; readonly downloaded: number; readonly incomplete: number }
      >;
    }
  | { readonly failure: string };

/** A client of one frontend. Calls may overlap; each answer reaches the call it belongs to. */
export interface FrontendClient {
  announce(announce: ClientAnnounce): Promise<AnnounceAnswer>;
  /** @param infohashes 40 hexadecimal digits each */
  scrape(infohashes: readonly string[]): Promise<ScrapeAnswer>;
  close(): Promise<void>;
}

export interface FrontendHarness {
  /** The name of its ResponseMetrics. */
  readonly metric: string;
  readonly driver: FrontendDriver;
  /** For 127.0.0.1, `port` 0 being a free one, and with defaults otherwise: `max_numwant` is 100. As in a file. */
  options(port: number): object;
  /** A client whose address is 127.0.0.1. */
  connect(frontend: Frontend): Promise<FrontendClient>;
}

const INFOHASH = '0123456789abcdef0123456789abcdef01234567';
const OTHER_INFOHASH = 'ff00000000000000000000000000000000000000';
const ANNOUNCE: ClientAnnounce = {
  infohash: INFOHASH,
  peerId: '-TR4050-abcdefghijkl',
  port: 51413,
  left: 0x1_2345_6789n,
  downloaded: 0xffff_ffff_ffff_fffen,
  uploaded: 7n,
  event: AnnounceEvent.Started,
  numwant: 30,
};

const MARK = new ContextKey<string>('mark');
// With a time that HTTP alone can tell: no other protocol may stumble over it.
const refused = new ClientError('unapproved torrent', { retryIn: 5 });

/** A tracker that answers the same to everybody and writes down what it was asked. */
class RecordingLogic implements TrackerLogic {
  readonly calls: string[] = [];
  readonly requests: Record<string, unknown>[] = [];
  /** Called with each request before it is handled: may throw, or return what has to be waited for. */
  before: (request: AnnounceRequest | ScrapeRequest) => void | Promise<void> = () => {};
  /** What `after…` waits for. */
  after: () => void | Promise<void> = () => {};
  readonly #pairs = new Map<RequestContext, unknown>();

  handleAnnounce(context: RequestContext, request: AnnounceRequest, response: AnnounceResponse) {
    this.calls.push('handle announce');
    this.requests.push({
      infohash: request.infohash.hex,
      peerId: Buffer.from(request.peer.id).toString('latin1'),
      address: request.peer.address,
      port: request.peer.port,
      left: request.left,
      downloaded: request.downloaded,
      uploaded: request.uploaded,
      event: request.event,
      numwant: request.numwant,
    });
    return this.#handle(context, request, () => {
      response.interval = 1800;
      response.minInterval = 900;
      response.complete = 3;
      response.incomplete = 4;
      for (let i = 1; i <= 2; i++) {
        const peer = new Peer();
        peer.setAddress(parseIp(`192.0.2.${i}`) as Uint8Array, 0, 4);
        // The announcer's own port tells whether two requests that wait at once are mixed up.
        peer.port = request.peer.port + i;
        response.peers.add(peer);
      }
    });
  }

  afterAnnounce(context: RequestContext, request: AnnounceRequest, response: AnnounceResponse) {
    return this.#after('after announce', context, request, response.interval === 1800);
  }

  handleScrape(context: RequestContext, request: ScrapeRequest, response: ScrapeResponse) {
    this.calls.push('handle scrape');
    this.requests.push({
      infohashes: request.infohashes.map((infohash) => infohash.hex),
      family: request.family,
    });
    return this.#handle(context, request, () => {
      for (const [i, file] of response.files.entries()) {
        file.complete = i + 1;
        file.snatches = 10 + i;
        file.incomplete = 0xffff_fff0 + i;
      }
    });
  }

  afterScrape(context: RequestContext, request: ScrapeRequest, response: ScrapeResponse) {
    return this.#after('after scrape', context, request, response.files[0]?.complete === 1);
  }

  #handle(context: RequestContext, request: AnnounceRequest | ScrapeRequest, fill: () => void) {
    const finish = () => {
      context.set(MARK, 'set by handle');
      this.#pairs.set(context, request);
      fill();
    };
    const before = this.before(request);
    return before ? before.then(finish) : finish();
  }

  #after(name: string, context: RequestContext, request: unknown, intact: boolean) {
    const same = context.get(MARK) === 'set by handle' && this.#pairs.get(context) === request && intact;
    this.calls.push(same ? name : `${name} with something else`);
    return this.after();
  }
}

/** A promise and what settles it. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export function describeFrontend(name: string, harness: FrontendHarness): void {
  describe(`${name}: the contract of a frontend`, () => {
    let logic: RecordingLogic;
    let metrics: Metric[];
    let logger: MemoryLogger;
    let frontend: Frontend;
    let client: FrontendClient;

    function dependencies(): FrontendDependencies {
      return { logic, logger, metrics: { register: (metric) => metrics.push(metric) }, reusePort: false };
    }

    function options(port: number, more: object = {}): unknown {
      return harness.driver.options.parse({ ...harness.options(port), ...more });
    }

    function open(port: number): Promise<Frontend> {
      return harness.driver.open(options(port), dependencies());
    }

    /** How many requests the metrics have seen, under these labels. */
    function counted(labels: Record<string, string>): number {
      const metric = metrics.find((candidate) => candidate.name === harness.metric);
      const samples = (metric?.collect() ?? []).filter(
        (sample) =>
          sample.suffix === '_count' &&
          Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
      );
      return samples.reduce((sum, sample) => sum + sample.value, 0);
    }

    /** Waits for what a frontend may do after its answer has arrived. */
    async function eventually(check: () => void): Promise<void> {
      await expect
        .poll(
          () => {
            check();
            return true;
          },
          { interval: 5 },
        )
        .toBe(true);
    }

    beforeEach(async () => {
      logic = new RecordingLogic();
      metrics = [];
      logger = new MemoryLogger();
      frontend = await open(0);
      client = await harness.connect(frontend);
    });

    afterEach(async () => {
      await client.close();
      await frontend.stop();
    });

    test('reports the port that the system gave', () => {
      expect(frontend.addresses).toHaveLength(1);
      expect(frontend.addresses[0]?.host).toBe('127.0.0.1');
      expect(frontend.addresses[0]?.port).toBeGreaterThan(0);
    });

    test('an announce reaches the logic unharmed, and its answer the client', async () => {
      const answer = await client.announce(ANNOUNCE);
      expect(logic.requests).toEqual([{ ...ANNOUNCE, address: '127.0.0.1' }]);
      expect(answer).toEqual({
        complete: 3,
        incomplete: 4,
        interval: 1800,
        minInterval: 'minInterval' in answer && answer.minInterval === undefined ? undefined : 900,
        peers: [
          { address: '192.0.2.1', port: 51414 },
          { address: '192.0.2.2', port: 51415 },
        ],
      });
    });

    test('a scrape reaches the logic in order, and its answer the client', async () => {
      const answer = await client.scrape([OTHER_INFOHASH, INFOHASH]);
      expect(logic.requests).toEqual([{ infohashes: [OTHER_INFOHASH, INFOHASH], family: 4 }]);
      expect(answer).toEqual({
        files: new Map([
          [OTHER_INFOHASH, { complete: 1, downloaded: 10, incomplete: 0xffff_fff0 }],
          [INFOHASH, { complete: 2, downloaded: 11, incomplete: 0xffff_fff1 }],
        ]),
      });
    });

    test.each([AnnounceEvent.None, AnnounceEvent.Completed, AnnounceEvent.Started, AnnounceEvent.Stopped])(
      'event %i is passed on',
      async (event) => {
        await client.announce({ ...ANNOUNCE, event });
        expect(logic.requests[0]?.event).toBe(event);
      },
    );

    test('requests are sanitised: numwant is cut to its maximum, port 0 refused', async () => {
      await client.announce({ ...ANNOUNCE, numwant: 5000 });
      expect(logic.requests[0]?.numwant).toBe(100);
      expect(await client.announce({ ...ANNOUNCE, port: 0 })).toEqual({ failure: 'invalid port' });
      expect(logic.requests).toHaveLength(1);
    });

    describe.each([
      ['at once', undefined],
      ['after a promise', () => Promise.resolve()],
    ])('logic that answers %s', (_, wait) => {
      beforeEach(() => {
        logic.before = () => wait?.();
      });

      test('after… is called once, after the answer, with the same objects', async () => {
        await client.announce(ANNOUNCE);
        await client.scrape([INFOHASH]);
        await eventually(() =>
          expect(logic.calls).toEqual(['handle announce', 'after announce', 'handle scrape', 'after scrape']),
        );
      });

      test('the text of a ClientError reaches the client, and after… is not called', async () => {
        logic.before = () => {
          if (wait) return wait().then(() => Promise.reject(refused));
          throw refused;
        };
        expect(await client.announce(ANNOUNCE)).toEqual({ failure: 'unapproved torrent' });
        expect(await client.scrape([INFOHASH])).toEqual({ failure: 'unapproved torrent' });
        expect(logger.lines.filter((line) => line.level === 'error')).toEqual([]);
        expect(logic.calls).toEqual(['handle announce', 'handle scrape']);
        await eventually(() =>
          expect(counted({ error: 'unapproved torrent', address_family: 'IPv4' })).toBe(2),
        );
      });

      test('any other error is logged and hidden', async () => {
        const secret = new Error('redis://user:password@host is down');
        logic.before = () => {
          if (wait) return wait().then(() => Promise.reject(secret));
          throw secret;
        };
        expect(await client.announce(ANNOUNCE)).toEqual({ failure: 'internal server error' });
        expect(logger.lines.find((line) => line.level === 'error')?.fields).toMatchObject({ err: secret });
        expect(await client.scrape([INFOHASH])).toEqual({ failure: 'internal server error' });
        expect(logic.calls).toEqual(['handle announce', 'handle scrape']);
        await eventually(() => expect(counted({ error: 'internal error' })).toBe(2));
      });

      test('requests are counted by action, family and error', async () => {
        for (let i = 0; i < 3; i++) await client.announce(ANNOUNCE);
        for (let i = 0; i < 2; i++) await client.scrape([INFOHASH]);
        await client.announce({ ...ANNOUNCE, port: 0 });
        await eventually(() => {
          expect(counted({ action: 'announce', address_family: 'IPv4', error: '' })).toBe(3);
          expect(counted({ action: 'scrape', address_family: 'IPv4', error: '' })).toBe(2);
          expect(counted({ action: 'announce', error: 'invalid port' })).toBe(1);
          expect(counted({ action: 'scrape', error: 'invalid port' })).toBe(0);
        });
      });
    });

    test('requests that wait at the same time share nothing', async () => {
      const all = gate();
      let waiting = 0;
      logic.before = () => {
        if (++waiting === 8) all.open();
        return all.opened;
      };
      const clients = await Promise.all(Array.from({ length: 8 }, () => harness.connect(frontend)));
      const answers = await Promise.all(
        clients.map((each, i) => each.announce({ ...ANNOUNCE, port: 1000 + 10 * i })),
      );
      for (const [i, answer] of answers.entries()) {
        expect(answer).toMatchObject({
          peers: [
            { address: '192.0.2.1', port: 1001 + 10 * i },
            { address: '192.0.2.2', port: 1002 + 10 * i },
          ],
        });
      }
      await eventually(() => expect(logic.calls.filter((call) => call === 'after announce')).toHaveLength(8));
      await Promise.all(clients.map((each) => each.close()));
    });

    test('a request that waits does not delay others', async () => {
      const slow = gate();
      logic.before = (request) => {
        return 'peer' in request && request.peer.port === 1 ? slow.opened : undefined;
      };
      const other = await harness.connect(frontend);
      const first = client.announce({ ...ANNOUNCE, port: 1 });
      await eventually(() => expect(logic.calls).toEqual(['handle announce']));
      expect(await other.announce({ ...ANNOUNCE, port: 2 })).toMatchObject({
        peers: [{ port: 3 }, { port: 4 }],
      });
      slow.open();
      expect(await first).toMatchObject({ peers: [{ port: 2 }, { port: 3 }] });
      await other.close();
    });

    test('stop answers what is under way and waits for after…', async () => {
      const handled = gate();
      const written = gate();
      logic.before = () => handled.opened;
      logic.after = () => written.opened;
      const answer = client.announce(ANNOUNCE);
      await eventually(() => expect(logic.calls).toEqual(['handle announce']));

      let stopped = false;
      const stop = frontend.stop().then(() => {
        stopped = true;
      });
      handled.open();
      expect(await answer).toMatchObject({ complete: 3 });
      await eventually(() => expect(logic.calls).toEqual(['handle announce', 'after announce']));
      await new Promise((resolve) => setImmediate(resolve));
      expect(stopped).toBe(false);
      written.open();
      await stop;
    });

    test('stop twice is one stop, and frees the port', async () => {
      const port = frontend.addresses[0]?.port as number;
      await client.announce(ANNOUNCE);
      const first = frontend.stop();
      expect(frontend.stop()).toBe(first);
      await first;

      const again = await open(port);
      expect(again.addresses[0]?.port).toBe(port);
      const newcomer = await harness.connect(again);
      expect(await newcomer.announce(ANNOUNCE)).toMatchObject({ complete: 3 });
      await newcomer.close();
      await again.stop();
    });

    test('a port that is taken is an error that names the address', async () => {
      const port = frontend.addresses[0]?.port as number;
      await expect(open(port)).rejects.toThrow(`127.0.0.1:${port}`);
    });

    test('cut ends a stop that takes too long, and frees the port', async () => {
      const port = frontend.addresses[0]?.port as number;
      logic.before = () => new Promise<void>(() => {});
      void client.announce(ANNOUNCE).catch(() => {});
      await eventually(() => expect(logic.calls).toEqual(['handle announce']));
      void frontend.stop();
      frontend.cut();
      let again: Frontend | undefined;
      await expect
        .poll(async () => {
          again = await open(port).catch(() => undefined);
          return again !== undefined;
        })
        .toBe(true);
      await again?.stop();
      // What is left of the first waits for ever: nobody is to wait for it.
      frontend = await open(0);
    });

    describe('a change of options and logic', () => {
      let other: RecordingLogic;
      let port: number;

      beforeEach(() => {
        other = new RecordingLogic();
        port = frontend.addresses[0]?.port as number;
      });

      /** Port 0 as before: what was asked for then is asked for again. */
      function prepare(at = 0, more: object = {}): Promise<PreparedChange> {
        return frontend.prepare(options(at, more), other);
      }

      test('takes effect with the commit, on the sockets and connections there are', async () => {
        await client.announce(ANNOUNCE);
        const { addresses } = frontend;
        const change = await prepare(0, { max_numwant: 7 });
        await client.announce(ANNOUNCE);
        expect([logic.requests.length, other.requests.length]).toEqual([2, 0]);
        await change.commit();
        expect(frontend.addresses).toEqual(addresses);
        await client.announce(ANNOUNCE);
        expect(logic.requests).toHaveLength(2);
        expect(other.requests).toEqual([{ ...ANNOUNCE, numwant: 7, address: '127.0.0.1' }]);
        await eventually(() => expect(counted({ action: 'announce' })).toBe(3));
      });

      test('ends with the logic that it began with what is under way, and the commit waits for that', async () => {
        const handled = gate();
        const written = gate();
        logic.before = () => handled.opened;
        logic.after = () => written.opened;
        const slow = await harness.connect(frontend);
        const answer = slow.announce(ANNOUNCE);
        await eventually(() => expect(logic.calls).toEqual(['handle announce']));

        let over = false;
        const committed = (await prepare()).commit().then(() => {
          over = true;
        });
        await client.announce(ANNOUNCE);
        await eventually(() => expect(other.calls).toEqual(['handle announce', 'after announce']));
        handled.open();
        expect(await answer).toMatchObject({ complete: 3 });
        await eventually(() => expect(logic.calls).toEqual(['handle announce', 'after announce']));
        await new Promise((resolve) => setImmediate(resolve));
        expect(over).toBe(false);
        written.open();
        await committed;
        await slow.close();
      });

      test('binds another address before the first is let go, and ends what is under way there', async () => {
        const handled = gate();
        logic.before = () => handled.opened;
        const answer = client.announce(ANNOUNCE);
        await eventually(() => expect(logic.calls).toEqual(['handle announce']));

        const free = await freePort();
        const change = await prepare(free);
        await expect(open(free)).rejects.toThrow(`127.0.0.1:${free}`);
        const committed = change.commit();
        expect(frontend.addresses.map((address) => address.port)).toEqual([free]);
        const newcomer = await harness.connect(frontend);
        expect(await newcomer.announce(ANNOUNCE)).toMatchObject({ complete: 3 });
        expect(other.requests).toHaveLength(1);
        handled.open();
        expect(await answer).toMatchObject({ complete: 3 });
        await committed;
        const again = await open(port);
        await again.stop();
        await newcomer.close();
      });

      test('that is abandoned leaves nothing behind', async () => {
        const free = await freePort();
        const change = await prepare(free);
        await change.abandon();
        await client.announce(ANNOUNCE);
        expect(frontend.addresses.map((address) => address.port)).toEqual([port]);
        expect([logic.requests.length, other.requests.length]).toEqual([1, 0]);
        const again = await open(free);
        await again.stop();
      });

      test('that cannot be made names the address, and leaves nothing behind', async () => {
        const taken = await open(0);
        const at = taken.addresses[0]?.port as number;
        await expect(prepare(at)).rejects.toThrow(`127.0.0.1:${at}`);
        await taken.stop();
        await client.announce(ANNOUNCE);
        expect([logic.requests.length, other.requests.length]).toEqual([1, 0]);
      });
    });
  });
}
