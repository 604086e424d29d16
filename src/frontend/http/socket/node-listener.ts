/** The portable socket, and the one for TLS: node:net and node:tls. */

import type { AddressInfo, Server, Socket } from 'node:net';
import { parseSocketAddress } from '../client-address.ts';
import type { Acceptor, ListeningSocket } from './socket.ts';

/** A busy tracker's queue is never empty for long; a stop has to end. */
const MOST_ROUNDS = 1000;

export class NodeListener implements ListeningSocket {
  readonly address: { readonly host: string; readonly port: number };
  readonly #server: Server;
  #accepted = 0;
  #closed: Promise<void> | undefined;

  /** @param server listens; the client may end its side after the request and still wants the answer: `allowHalfOpen` */
  constructor(server: Server, acceptor: Acceptor) {
    const { address, port } = server.address() as AddressInfo;
    this.address = { host: address, port };
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#accepted++;
      const remote = parseSocketAddress(socket.remoteAddress);
      if (remote) acceptor.onSocket(socket, remote);
      else {
        // It was reset before it could be accepted.
        socket.on('error', () => {});
        socket.destroy();
      }
    });
    server.on('error', (error) => acceptor.onError(error));
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

  close(): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => this.#server.close(() => resolve()));
    return this.#closed;
  }
}

/** A whole round of the event loop, its poll for new bytes and connections included. */
export function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
