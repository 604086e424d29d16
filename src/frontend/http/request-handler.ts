/**
 * What becomes of a request between its head and its answer: parse → logic → write → after. Knows
 * nothing of sockets. All of it happens at once unless the logic returns a promise. Whoever has begun a request with a
 * handler ends it with the same one: a reload makes another.
 */

import { ClientError } from '../../bittorrent/client-error.ts';
import type { TrackerLogic } from '../../bittorrent/tracker-logic.ts';
import type { FailureLog } from '../../pkg/failure-log.ts';
import { isPromise } from '../../pkg/maybe-promise.ts';
import { type Exchange, ExchangePool } from './exchange.ts';
import { failureBody } from './failure-body.ts';
import { Method, type RequestHead } from './head-parser.ts';
import type { HttpMetrics } from './metrics.ts';
import type { Output, Persistence } from './output.ts';
import type { RequestParser } from './parser.ts';
import { Action, type RouteParams } from './routes.ts';
import { announceRoom, scrapeRoom, writeAnnounce, writeScrape } from './writer.ts';

export interface RequestHandlerOptions {
  readonly parser: RequestParser;
  readonly logic: TrackerLogic;
  readonly failures: FailureLog;
  readonly metrics: HttpMetrics;
  readonly maxNumwant: number;
  readonly timing: boolean;
}

export class RequestHandler {
  readonly exchanges: ExchangePool;
  readonly #parser: RequestParser;
  readonly #logic: TrackerLogic;
  readonly #failures: FailureLog;
  readonly #metrics: HttpMetrics;
  readonly #timing: boolean;

  constructor(options: RequestHandlerOptions) {
    this.#parser = options.parser;
    this.#logic = options.logic;
    this.#failures = options.failures;
    this.#metrics = options.metrics;
    this.#timing = options.timing;
    this.exchanges = new ExchangePool(options.maxNumwant);
  }

  /**
   * Parses the request and has the logic handle it; what it fails with is left in `exchange.error`. Returns
   * a promise, which never rejects, if the logic did; the exchange is then independent of `bytes`.
   */
  start(
    exchange: Exchange,
    action: Action,
    params: RouteParams,
    bytes: Uint8Array,
    head: RequestHead,
    remote: Uint8Array,
  ): Promise<void> | undefined {
    exchange.action = action;
    exchange.bodiless = head.method === Method.Head;
    exchange.keepAlive = head.keepAlive;
    exchange.minorVersion = head.minorVersion;
    exchange.startedAt = this.#timing ? performance.now() : 0;
    exchange.context.routeParams = params;
    exchange.context.headers.assign(bytes, head.fieldsStart, head.end);
    const { context, announce, announceResponse, scrape, scrapeResponse } = exchange;
    try {
      let result: void | Promise<void>;
      if (action === Action.Announce) {
        exchange.error = this.#parser.parseAnnounce(bytes, head, remote, announce);
        exchange.family = this.#parser.family;
        if (exchange.error !== undefined) return undefined;
        announceResponse.reset(announce.peer.family);
        announceResponse.peers.includeIds = !announce.compact;
        result = this.#logic.handleAnnounce(context, announce, announceResponse);
      } else {
        exchange.error = this.#parser.parseScrape(bytes, head, remote, scrape);
        exchange.family = this.#parser.family;
        if (exchange.error !== undefined) return undefined;
        scrapeResponse.reset(scrape.infohashes.length);
        result = this.#logic.handleScrape(context, scrape, scrapeResponse);
      }
      if (!isPromise(result)) return undefined;
      retain(exchange);
      return result.then(undefined, (error) => fail(exchange, error));
    } catch (error) {
      fail(exchange, error);
      return undefined;
    }
  }

  /** Bytes of body that `write` may need. */
  room(exchange: Exchange): number {
    if (exchange.error !== undefined) return failureBody(exchange.error).length;
    return exchange.action === Action.Announce
      ? announceRoom(exchange.announceResponse.peers, exchange.announce.compact)
      : scrapeRoom(exchange.scrape);
  }

  /** Appends the answer to `output`. */
  write(exchange: Exchange, output: Output, persistence: Persistence): void {
    const { error } = exchange;
    output.begin(this.room(exchange));
    if (error !== undefined) {
      if (!(error instanceof ClientError)) this.#logInternal(exchange.action, error);
      output.append(failureBody(error));
    } else if (exchange.action === Action.Announce) {
      writeAnnounce(output, exchange.announce, exchange.announceResponse);
    } else {
      writeScrape(output, exchange.scrape, exchange.scrapeResponse);
    }
    output.finish(persistence, exchange.bodiless);
  }

  /** To be called when the answer has been handed to the socket: counts it, tells the logic, ends the exchange. */
  finish(exchange: Exchange): void {
    const milliseconds = this.#timing ? performance.now() - exchange.startedAt : 0;
    this.#metrics.responses.record(exchange.action, exchange.family, exchange.error, milliseconds);
    if (exchange.error === undefined) {
      const after = this.#after(exchange);
      if (isPromise(after)) {
        retain(exchange);
        const give = () => this.exchanges.give(exchange);
        after.then(give, (error) => {
          this.#logInternal(exchange.action, error);
          give();
        });
        return;
      }
    }
    this.exchanges.give(exchange);
  }

  #after(exchange: Exchange): void | Promise<void> {
    const { context, announce, announceResponse, scrape, scrapeResponse } = exchange;
    try {
      return exchange.action === Action.Announce
        ? this.#logic.afterAnnounce(context, announce, announceResponse)
        : this.#logic.afterScrape(context, scrape, scrapeResponse);
    } catch (error) {
      // The contract forbids it; a connection's event is the wrong place to find out what happens then.
      this.#logInternal(exchange.action, error);
    }
  }

  #logInternal(action: Action, error: unknown): void {
    this.#failures.log(`${action === Action.Announce ? 'HTTP announce' : 'HTTP scrape'} failed`, {
      err: error,
    });
  }
}

function fail(exchange: Exchange, error: unknown): void {
  exchange.error = error ?? new Error('the tracker logic failed without saying why');
}

/** The bytes that a request came in are used again as soon as its event is over. */
function retain(exchange: Exchange): void {
  exchange.context.headers.retain();
  if (exchange.action === Action.Announce) exchange.announce.params.retain();
  else exchange.scrape.params.retain();
}
