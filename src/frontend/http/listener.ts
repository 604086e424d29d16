/** A listening socket, plain or TLS, and what its connections have in common. */

import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { ListenAddress } from '../../pkg/listen-address.ts';
import type { Logger } from '../../pkg/logger.ts';
import type { BoundAddress } from '../frontend.ts';
import type { HttpOptions } from './config.ts';
import type { Scheme, SchemeCounters } from './metrics.ts';
import { NodeStream } from './socket/node-stream.ts';
import { openSocket } from './socket/open-socket.ts';
import type { ByteStream, ListeningSocket, StreamReader } from './socket/socket.ts';

export interface ListenerOptions {
  readonly scheme: Scheme;
  /** As it was asked for. */
  readonly address: ListenAddress;
  readonly socket: HttpOptions['socket'];
  /** With it, TLS. */
  readonly context: SecureContext | undefined;
  readonly counters: SchemeCounters;
  readonly reusePort: boolean;
  /** Of a socket that is bound already. */
  readonly descriptor: number | undefined;
  readonly logger: Logger;
  /** As an Acceptor's. */
  readonly needsNode: (remote: Uint8Array) => boolean;
  readonly onStream: (stream: ByteStream, remote: Uint8Array, listener: Listener) => StreamReader;
  readonly onSocket: (socket: Socket, remote: Uint8Array, listener: Listener) => void;
  readonly onError: (scheme: Scheme, error: Error) => void;
}

export class Listener {
  readonly scheme: Scheme;
  readonly address: ListenAddress;
  readonly counters: SchemeCounters;
  /** What later connections are secured with. */
  context: SecureContext | undefined;
  /** Whether every answer from now on is its connection's last. */
  closing = false;
  #socket: ListeningSocket | undefined;

  /** @throws Error that names the address, if it cannot be bound */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    const { needsNode, onStream, onSocket, onError } = options;
    listener.#socket = await openSocket(
      options.address,
      {
        kind: options.socket,
        secure: listener.secure,
        reusePort: options.reusePort,
        descriptor: options.descriptor,
      },
      {
        needsNode,
        onStream: (stream, remote) => onStream(stream, remote, listener),
        onSocket: (socket, remote) => onSocket(socket, remote, listener),
        onError: (error) => onError(options.scheme, error),
      },
      options.logger,
    );
    return listener;
  }

  private constructor({ scheme, address, counters, context }: ListenerOptions) {
    this.scheme = scheme;
    this.address = address;
    this.counters = counters;
    this.context = context;
  }

  get bound(): BoundAddress {
    return { protocol: this.scheme, ...this.#open.address };
  }

  get secure(): boolean {
    return this.context !== undefined;
  }

  /** What a connection of Node's is served on. */
  streamOf(socket: Socket): NodeStream {
    return new NodeStream(socket, this.context);
  }

  /**
   * Accepts what the system has already received: connections that it has completed would be reset if they were still in
   * its queue when the socket closes.
   */
  drain(): Promise<void> {
    return this.#open.drain();
  }

  /** Frees the port at once. Resolves when the last connection is gone. A second call returns the same promise. */
  close(): Promise<void> {
    this.closing = true;
    return this.#open.close();
  }

  get #open(): ListeningSocket {
    return this.#socket as ListeningSocket;
  }
}
