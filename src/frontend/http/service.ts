/**
 * What the options of the frontend make of requests: which are answered, by which logic, and how long clients may take.
 * A reload puts another in its place, which connections look at with their next request.
 */

import type { TrackerLogic } from '../../bittorrent/tracker-logic.ts';
import type { FailureLog } from '../../pkg/failure-log.ts';
import { requestLimits } from '../request-options.ts';
import type { SourceRate } from '../source-rate.ts';
import { AddressRanges } from './address-ranges.ts';
import type { HttpOptions } from './config.ts';
import { RequestHead } from './head-parser.ts';
import type { HttpMetrics } from './metrics.ts';
import { RequestParser } from './parser.ts';
import { RequestHandler } from './request-handler.ts';
import { Routes } from './routes.ts';

/** A tick is an eighth of the shortest timeout, within these bounds (milliseconds). */
const SHORTEST_TICK = 5;
const LONGEST_TICK = 250;

export class Service {
  readonly routes: Routes;
  readonly handler: RequestHandler;
  /** For heads that come in one piece; a connection that keeps it puts another in its place. */
  head: RequestHead;
  readonly keepAlive: boolean;
  /** Whose connections begin with a PROXY header. */
  readonly proxies: AddressRanges;
  /** Milliseconds between two looks at the deadlines of connections. */
  readonly tick: number;
  /** Milliseconds, as are the other two. */
  readonly readTime: number;
  readonly writeTime: number;
  readonly idleTime: number;
  readonly #addressField: string | undefined;

  constructor(
    options: HttpOptions,
    logic: TrackerLogic,
    rate: SourceRate,
    metrics: HttpMetrics,
    failures: FailureLog,
  ) {
    this.routes = new Routes(options.announce_routes, options.scrape_routes);
    this.handler = new RequestHandler({
      parser: new RequestParser(options, requestLimits(options), rate),
      logic,
      failures,
      metrics,
      maxNumwant: options.max_numwant,
      timing: options.enable_request_timing,
    });
    this.#addressField = options.real_ip_header;
    this.head = this.newHead();
    this.keepAlive = options.enable_keepalive;
    this.proxies = new AddressRanges(options.proxy_protocol ? options.trusted_proxies : []);

    const { read_timeout, write_timeout, idle_timeout } = options;
    const shortest = Math.min(read_timeout, write_timeout, idle_timeout);
    this.tick = Math.min(Math.max(Math.floor(shortest / 8), SHORTEST_TICK), LONGEST_TICK);
    // A tick more, as the one that a deadline is counted from may be almost over: late, never early.
    this.readTime = read_timeout + this.tick;
    this.writeTime = write_timeout + this.tick;
    this.idleTime = idle_timeout + this.tick;
  }

  newHead(): RequestHead {
    return new RequestHead(this.#addressField);
  }
}
