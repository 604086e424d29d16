/** A connection through node:net or node:tls. */

import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Output } from '../output.ts';
import type { ByteStream, StreamReader } from './socket.ts';

export class NodeStream implements ByteStream {
  readonly #socket: Socket;
  readonly #secure: boolean;

  /**
   * TLS not through `tls.Server`: its handshake timeout begins anew with every byte, while a Connection counts the handshake as
   * part of the time for the head.
   *
   * @param context with it, TLS
   */
  constructor(socket: Socket, context: SecureContext | undefined) {
    this.#secure = context !== undefined;
    if (!context) {
      this.#socket = socket;
      return;
    }
    socket.on('error', () => {});
    this.#socket = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: ['http/1.1'],
    });
  }

  get pending(): number {
    return this.#socket.writableLength;
  }

  get full(): boolean {
    return this.#socket.writableNeedDrain;
  }

  start(reader: StreamReader): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => reader.received(chunk, chunk.length));
    socket.on('drain', () => reader.drained());
    socket.on('end', () => reader.ended());
    // 'close' follows, and that is where the connection ends; what broke it is the client's affair.
    socket.on('error', () => {});
    socket.on('close', () => reader.closed());
  }

  /**
   * Plain sockets mostly take it at once, and the memory can be used again; otherwise the socket keeps it. TLS takes
   * a copy, which it holds until it has encrypted it.
   */
  send(output: Output): void {
    const socket = this.#socket;
    if (this.#secure) {
      socket.write(Buffer.from(output.pending()));
      output.clear();
      return;
    }
    socket.write(output.pending());
    if (socket.writableLength > 0) output.giveAway();
    else output.clear();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  close(): void {
    if (this.#secure || this.pending > 0) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
