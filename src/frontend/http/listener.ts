/** A listening socket, plain or TLS, and what its connections have in common. */

import { createServer, type Server, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { ListenAddress } from '../../pkg/options.ts';
import type { BoundAddress } from '../frontend.ts';
import { listen } from './listen.ts';
import type { Scheme, SchemeCounters } from './metrics.ts';

/** A busy tracker's queue is never empty for long; a stop has to end. */
const MOST_ROUNDS = 1000;

export interface ListenerOptions {
  readonly scheme: Scheme;
  /** As it was asked for. */
  readonly address: ListenAddress;
  /** With it, TLS. */
  readonly context: SecureContext | undefined;
  readonly counters: SchemeCounters;
  readonly reusePort: boolean;
  /** Of a socket that is bound already. */
  readonly descriptor: number | undefined;
  readonly onConnection: (socket: Socket, listener: Listener) => void;
  readonly onError: (scheme: Scheme, error: Error) => void;
}

export class Listener {
  readonly scheme: Scheme;
  readonly address: ListenAddress;
  readonly counters: SchemeCounters;
  readonly bound: BoundAddress;
  /** What later connections are secured with. */
  context: SecureContext | undefined;
  /** Whether every answer from now on is its connection's last. */
  closing = false;
  readonly #server: Server;
  #accepted = 0;
  #closed: Promise<void> | undefined;

  /** @throws Error that names the address, if it cannot be bound */
  static async open(options: ListenerOptions): Promise<Listener> {
    // The client may end its side after the request and still wants the answer: `allowHalfOpen`.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const bound = await listen(server, options.scheme, options.address, options);
    return new Listener(server, bound, options);
  }

  private constructor(server: Server, bound: BoundAddress, options: ListenerOptions) {
    this.scheme = options.scheme;
    this.address = options.address;
    this.counters = options.counters;
    this.context = options.context;
    this.bound = bound;
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#accepted++;
      options.onConnection(socket, this);
    });
    server.on('error', (error) => options.onError(this.scheme, error));
  }

  get secure(): boolean {
    return this.context !== undefined;
  }

  /**
   * The socket that a connection is served on. TLS not through `tls.Server`: its handshake timeout begins anew with
   * every byte, while a Connection counts the handshake as part of the time for the head.
   */
  served(socket: Socket): Socket {
    if (!this.context) return socket;
    socket.on('error', () => {});
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: this.context,
      ALPNProtocols: ['http/1.1'],
    });
  }

  /**
   * Accepts what the system has already received: connections that it has completed would be reset if they were still in
   * its queue when the socket closes, and libuv takes one of them a round.
   */
  async drain(): Promise<void> {
    let before: number;
    let rounds = 0;
    do {
      before = this.#accepted;
      await nextRound();
    } while (this.#accepted > before && ++rounds < MOST_ROUNDS);
  }

  /** Frees the port at once. Resolves when the last connection is gone. A second call returns the same promise. */
  close(): Promise<void> {
    this.closing = true;
    this.#closed ??= new Promise<void>((resolve) => this.#server.close(() => resolve()));
    return this.#closed;
  }
}

/** A whole round of the event loop, its poll for new bytes and connections included. */
function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
