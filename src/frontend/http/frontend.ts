/**
 * The HTTP(S) frontend: listeners, the connections they accept, the clock that cuts slow ones off, and
 * the stop. What a connection does stands in connection.ts, what becomes of a request in
 * request-handler.ts.
 *
 *     net.Server ─► Socket ─┬─────────────► Connection ─► RequestHead ─► Routes ─► RequestHandler
 *                           └─► TLSSocket ─┘      ▲                                      │
 *                                                 └────────────── Output ◄───────────────┘
 */

import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Logger } from '../../pkg/logger.ts';
import type { ListenAddress } from '../../pkg/options.ts';
import type { BoundAddress, Frontend, FrontendDependencies } from '../frontend.ts';
import { requestLimits } from '../request-options.ts';
import { loadCertificate } from './certificate.ts';
import type { HttpOptions } from './config.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { RequestHead } from './head-parser.ts';
import { listen } from './listen.ts';
import { HttpMetrics, type Scheme, type Timeout } from './metrics.ts';
import { Output } from './output.ts';
import { RequestParser } from './parser.ts';
import { RequestHandler } from './request-handler.ts';
import { Routes } from './routes.ts';

/** A tick is an eighth of the shortest timeout, within these bounds (milliseconds). */
const SHORTEST_TICK = 5;
const LONGEST_TICK = 250;

/** Accepting can fail thousands of times a second when descriptors run out; said this often (milliseconds). */
const ACCEPT_LOG_INTERVAL = 1000;

/** A busy tracker's queue is never empty for long; a stop has to end. */
const MOST_ROUNDS = 1000;

export class HttpFrontend implements Frontend, ConnectionHost {
  readonly addresses: BoundAddress[] = [];
  readonly routes: Routes;
  readonly handler: RequestHandler;
  readonly output = new Output();
  readonly addressField: string | undefined;
  readonly keepAlive: boolean;
  readonly readTicks: number;
  readonly writeTicks: number;
  readonly idleTicks: number;
  head: RequestHead;
  tick = 0;
  stopping = false;
  readonly #parser: RequestParser;
  readonly #metrics = new HttpMetrics();
  readonly #logger: Logger;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Connection>();
  readonly #sweeper: NodeJS.Timeout;
  #stopped: Promise<void> | undefined;
  #accepted = 0;
  #acceptFailedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: HttpOptions, dependencies: FrontendDependencies) {
    const { logic, logger, metrics } = dependencies;
    this.#logger = logger;
    this.routes = new Routes(options.announce_routes, options.scrape_routes);
    this.#parser = new RequestParser(options, requestLimits(options));
    this.handler = new RequestHandler({
      parser: this.#parser,
      logic,
      logger,
      metrics: this.#metrics,
      maxNumwant: options.max_numwant,
      timing: options.enable_request_timing,
    });
    this.addressField = options.real_ip_header;
    this.head = new RequestHead(this.addressField);
    this.keepAlive = options.enable_keepalive;

    const { read_timeout, write_timeout, idle_timeout } = options;
    const shortest = Math.min(read_timeout, write_timeout, idle_timeout);
    const tick = Math.min(Math.max(Math.floor(shortest / 8), SHORTEST_TICK), LONGEST_TICK);
    // One more, as the tick that a deadline is counted from may be almost over: late, never early.
    const ticks = (milliseconds: number) => Math.ceil(milliseconds / tick) + 1;
    this.readTicks = ticks(read_timeout);
    this.writeTicks = ticks(write_timeout);
    this.idleTicks = ticks(idle_timeout);
    this.#metrics.register(metrics);
    this.#sweeper = setInterval(() => this.#sweep(), tick);
  }

  /** Binds what the options name. Rejects, with everything closed again, if something cannot be bound. */
  static async open(options: HttpOptions, dependencies: FrontendDependencies): Promise<HttpFrontend> {
    const { addr, https_addr, tls_cert_path, tls_key_path } = options;
    const context =
      https_addr && tls_cert_path && tls_key_path
        ? createSecureContext(loadCertificate(tls_cert_path, tls_key_path))
        : undefined;
    const frontend = new HttpFrontend(options, dependencies);
    const open = async (scheme: Scheme, address: ListenAddress, secured?: SecureContext) => {
      const server = frontend.#server(scheme, secured);
      frontend.addresses.push(await listen(server, scheme, address, dependencies.reusePort));
    };
    try {
      if (addr) await open('http', addr);
      if (https_addr && context) await open('https', https_addr, context);
    } catch (error) {
      await frontend.stop();
      throw error;
    }
    return frontend;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  closed(connection: Connection, timeout: Timeout | undefined): void {
    this.#connections.delete(connection);
    connection.counters.connections--;
    if (timeout !== undefined) this.#metrics.timeouts[timeout]++;
  }

  async #stop(): Promise<void> {
    this.stopping = true;
    await this.#emptyBacklog();
    // `close` frees the port at once and calls back when the last connection is gone.
    const closed = this.#servers.map(
      (server) =>
        new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve())),
    );
    for (const connection of this.#connections) connection.stop();
    await Promise.all(closed);
    await this.#idle();
    clearInterval(this.#sweeper);
  }

  /**
   * Serves what the system has already received. Connections that it has completed would be reset if they
   * were still in its queue when the socket closes, and libuv takes one of them a round.
   */
  async #emptyBacklog(): Promise<void> {
    let before: number;
    let rounds = 0;
    do {
      before = this.#accepted;
      await nextRound();
    } while (this.#accepted > before && ++rounds < MOST_ROUNDS);
  }

  /** Resolves when no hook has anything left to do. */
  #idle(): Promise<void> {
    const { exchanges } = this.handler;
    return new Promise((resolve) => {
      this.handler.onRelease = () => {
        if (exchanges.underWay === 0) resolve();
      };
      this.handler.onRelease();
    });
  }

  #server(scheme: Scheme, context: SecureContext | undefined): Server {
    // The client may end its side after the request and still wants the answer: `allowHalfOpen`.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket, scheme, context),
    );
    // The first `error` of a server that does not listen is its `listen`'s.
    server.on('error', (error) => {
      if (server.listening) this.#acceptFailed(scheme, error);
    });
    this.#servers.push(server);
    return server;
  }

  #accept(socket: Socket, scheme: Scheme, context: SecureContext | undefined): void {
    this.#accepted++;
    const remote = this.#parser.clientAddress.remote(socket.remoteAddress);
    if (!remote) {
      // It was reset before it could be accepted.
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const counters = this.#metrics.schemes[scheme];
    counters.connections++;
    const served = context ? secure(socket, context) : socket;
    this.#connections.add(new Connection(served, context !== undefined, remote, counters, this));
  }

  #acceptFailed(scheme: Scheme, error: Error): void {
    const now = performance.now();
    if (now - this.#acceptFailedAt < ACCEPT_LOG_INTERVAL) return;
    this.#acceptFailedAt = now;
    this.#logger.error({ err: error, scheme }, 'cannot accept connections');
  }

  /** An interval that a busy loop delays fires once, not twice: time in which nothing was served counts against nobody. */
  #sweep(): void {
    this.tick++;
    this.output.tick(Date.now());
    for (const connection of this.#connections) connection.sweep(this.tick);
  }
}

/**
 * TLS on an accepted socket. Not through `tls.Server`: its handshake timeout begins anew with every byte,
 * while a Connection counts the handshake as part of the time for the head.
 */
function secure(socket: Socket, context: SecureContext): TLSSocket {
  socket.on('error', () => {});
  return new TLSSocket(socket, { isServer: true, secureContext: context, ALPNProtocols: ['http/1.1'] });
}

/** A whole round of the event loop, its poll for new bytes and connections included. */
function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
