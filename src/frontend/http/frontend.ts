/**
 * The HTTP(S) frontend: listeners, the connections they accept, the clock that cuts slow ones off, reload and
 * stop. What a connection does stands in connection.ts, what becomes of a request in request-handler.ts.
 *
 *     Listener ─┬────────────────────────┬─► ByteStream ─► Connection ─► RequestHead ─► Routes ─► RequestHandler
 *               └─► ProxiedConnection ───┘        ▲                                                     │
 *                                                 └────────────────────── Output ◄──────────────────────┘
 */

import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { TrackerLogic } from '../../bittorrent/tracker-logic.ts';
import { FailureLog } from '../../pkg/failure-log.ts';
import { type ListenAddress, sameAddress } from '../../pkg/listen-address.ts';
import type { BoundAddress, Frontend, FrontendDependencies, PreparedChange } from '../frontend.ts';
import { announceRate } from '../request-options.ts';
import { unlimited } from '../source-rate.ts';
import { loadCertificate } from './certificate.ts';
import type { HttpOptions } from './config.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { Listener } from './listener.ts';
import { HttpMetrics, type Scheme, type Timeout } from './metrics.ts';
import { Output } from './output.ts';
import { ProxiedConnection, type ProxiedConnectionHost } from './proxied-connection.ts';
import type { ProxyHeaderFault } from './proxy-protocol.ts';
import { Service } from './service.ts';
import type { ByteStream } from './socket/socket.ts';

/** Accepting can fail thousands of times a second when descriptors run out; said this often (milliseconds). */
const ACCEPT_LOG_INTERVAL = 1000;

export class HttpFrontend implements Frontend<HttpOptions>, ConnectionHost, ProxiedConnectionHost {
  readonly output = new Output();
  service: Service;
  now = 0;
  stopping = false;
  readonly #dependencies: FrontendDependencies;
  readonly #metrics = new HttpMetrics();
  readonly #failures: FailureLog;
  readonly #connections = new Set<Connection | ProxiedConnection>();
  /** Those that are closed, and still have connections. */
  readonly #leaving = new Set<Listener>();
  #listeners: readonly Listener[] = [];
  #rate = unlimited;
  #sweeper: NodeJS.Timeout;
  #stopped: Promise<void> | undefined;
  #acceptFailedAt = Number.NEGATIVE_INFINITY;

  /** Binds what the options name. Rejects, with everything closed again, if something cannot be bound. */
  static async open(options: HttpOptions, dependencies: FrontendDependencies): Promise<HttpFrontend> {
    const frontend = new HttpFrontend(options, dependencies);
    try {
      const change = await frontend.prepare(options, dependencies.logic);
      void change.commit();
      return frontend;
    } catch (error) {
      await frontend.stop();
      throw error;
    }
  }

  private constructor(options: HttpOptions, dependencies: FrontendDependencies) {
    this.#dependencies = dependencies;
    this.#failures = new FailureLog(dependencies.logger);
    this.#metrics.register(dependencies.metrics, () => this.#rate);
    this.service = this.#serviceOf(options, dependencies.logic);
    this.#sweeper = this.#newSweeper();
  }

  get addresses(): readonly BoundAddress[] {
    return this.#listeners.map(({ bound }) => bound);
  }

  async prepare(options: HttpOptions, logic: TrackerLogic): Promise<PreparedChange> {
    const { addr, https_addr, tls_cert_path, tls_key_path } = options;
    const context =
      https_addr && tls_cert_path && tls_key_path
        ? createSecureContext(loadCertificate(tls_cert_path, tls_key_path))
        : undefined;
    const listeners: Listener[] = [];
    const opened: Listener[] = [];
    const prepare = async (scheme: Scheme, address: ListenAddress) => {
      const kept = this.#listeners.find(
        (each) => each.scheme === scheme && sameAddress(each.address, address),
      );
      const listener =
        kept ?? (await this.#listen(scheme, address, options, scheme === 'https' ? context : undefined));
      listeners.push(listener);
      if (!kept) opened.push(listener);
    };
    const abandon = async () => {
      for (const listener of opened) this.#leave(listener);
    };
    try {
      if (addr) await prepare('http', addr);
      if (https_addr && context) await prepare('https', https_addr);
    } catch (error) {
      await abandon();
      throw error;
    }
    return {
      commit: () => {
        for (const listener of listeners) if (listener.secure) listener.context = context;
        return this.#replace(this.#serviceOf(options, logic), listeners);
      },
      abandon,
    };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  cut(): void {
    clearInterval(this.#sweeper);
    for (const connection of this.#connections) connection.cut();
  }

  closed(connection: Connection | ProxiedConnection, timeout: Timeout | undefined): void {
    this.#connections.delete(connection);
    connection.counters.connections--;
    if (timeout !== undefined) this.#metrics.timeouts[timeout]++;
  }

  introduced(proxied: ProxiedConnection, remote: Uint8Array): void {
    const { listener, deadline } = proxied;
    this.#connections.delete(proxied);
    const stream = listener.streamOf(proxied.socket);
    const connection = new Connection(stream, remote, listener, this, deadline);
    this.#connections.add(connection);
    stream.start(connection);
    stream.resume();
  }

  refused(fault: ProxyHeaderFault): void {
    this.#metrics.refusedProxyHeaders[fault]++;
  }

  /** Resolves when the requests that were begun before have ended, and the listeners not kept are closed. */
  async #replace(service: Service, listeners: readonly Listener[]): Promise<void> {
    const before = { service: this.service, listeners: this.#listeners };
    this.service = service;
    this.#listeners = listeners;
    if (service.tick !== before.service.tick) {
      clearInterval(this.#sweeper);
      this.#sweeper = this.#newSweeper();
    }
    const unwanted = before.listeners.filter((listener) => !listeners.includes(listener));
    await Promise.all(unwanted.map((listener) => listener.drain()));
    for (const listener of unwanted) this.#leave(listener);
    await before.service.handler.exchanges.idle();
  }

  async #stop(): Promise<void> {
    this.stopping = true;
    const listeners = this.#listeners;
    await Promise.all(listeners.map((listener) => listener.drain()));
    for (const listener of listeners) this.#leave(listener);
    for (const connection of this.#connections) connection.stop();
    await Promise.all([...this.#leaving].map((listener) => listener.close()));
    await this.service.handler.exchanges.idle();
    clearInterval(this.#sweeper);
  }

  /** Takes no new connections; those there are have their next answer as their last. */
  #leave(listener: Listener): void {
    this.#leaving.add(listener);
    void listener.close().then(() => this.#leaving.delete(listener));
  }

  #serviceOf(options: HttpOptions, logic: TrackerLogic): Service {
    this.#rate = announceRate(options, this.#rate);
    return new Service(options, logic, this.#rate, this.#metrics, this.#failures);
  }

  #listen(
    scheme: Scheme,
    address: ListenAddress,
    options: HttpOptions,
    context: SecureContext | undefined,
  ): Promise<Listener> {
    const { reusePort, bound, logger } = this.#dependencies;
    return Listener.open({
      scheme,
      address,
      context,
      counters: this.#metrics.schemes[scheme],
      reusePort,
      descriptor: bound?.take('stream', address),
      socket: options.socket,
      logger,
      needsNode: (remote) => this.service.proxies.contains(remote),
      onStream: (stream, remote, listener) => this.#serve(stream, remote, listener),
      onSocket: (socket, remote, listener) => this.#serveSocket(socket, remote, listener),
      onError: (at, error) => this.#acceptFailed(at, error),
    });
  }

  #serve(stream: ByteStream, remote: Uint8Array, listener: Listener): Connection {
    const connection = new Connection(stream, remote, listener, this);
    listener.counters.connections++;
    this.#connections.add(connection);
    return connection;
  }

  #serveSocket(socket: Socket, remote: Uint8Array, listener: Listener): void {
    const { proxies, readTime } = this.service;
    if (!proxies.contains(remote)) {
      const stream = listener.streamOf(socket);
      stream.start(this.#serve(stream, remote, listener));
      return;
    }
    listener.counters.connections++;
    this.#connections.add(new ProxiedConnection(socket, remote, listener, this.now + readTime, this));
  }

  #acceptFailed(scheme: Scheme, error: Error): void {
    const now = performance.now();
    if (now - this.#acceptFailedAt < ACCEPT_LOG_INTERVAL) return;
    this.#acceptFailedAt = now;
    this.#dependencies.logger.error({ err: error, scheme }, 'cannot accept connections');
  }

  /** An interval that a busy loop delays fires once, not twice: time in which nothing was served counts against nobody. */
  #newSweeper(): NodeJS.Timeout {
    const { tick } = this.service;
    return setInterval(() => {
      this.now += tick;
      this.output.tick(Date.now());
      for (const connection of this.#connections) connection.sweep(this.now);
    }, tick);
  }
}
