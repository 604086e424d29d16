/**
 * A connection from a trusted proxy, until its PROXY header has been read. Then its socket is as if the client itself
 * had connected: what came behind the header is put back, and TLS, if any, begins there.
 */

import type { Socket } from 'node:net';
import type { Listener } from './listener.ts';
import type { SchemeCounters, Timeout } from './metrics.ts';
import { type ProxyHeader, type ProxyHeaderFault, readProxyHeader } from './proxy-protocol.ts';

export interface ProxiedConnectionHost {
  /** The header is read: `remote` is whom the connection is from, and this object has done its work. */
  introduced(connection: ProxiedConnection, remote: Uint8Array): void;
  refused(fault: ProxyHeaderFault): void;
  closed(connection: ProxiedConnection, timeout: Timeout | undefined): void;
}

export class ProxiedConnection {
  readonly socket: Socket;
  readonly listener: Listener;
  /** When it is cut off, the request behind the header included. */
  readonly deadline: number;
  readonly #proxy: Uint8Array;
  readonly #host: ProxiedConnectionHost;
  /** Of the header, while it is not known how long it is: less than 107 bytes. */
  #begun: Buffer = Buffer.alloc(0);
  #header: ProxyHeader | undefined;
  /** Bytes of the header that have not come yet, once its length is known. */
  #missing = 0;
  #timeout: Timeout | undefined;

  /** @param proxy its address, 4 or 16 bytes, unmapped */
  constructor(
    socket: Socket,
    proxy: Uint8Array,
    listener: Listener,
    deadline: number,
    host: ProxiedConnectionHost,
  ) {
    this.socket = socket;
    this.#proxy = proxy;
    this.listener = listener;
    this.deadline = deadline;
    this.#host = host;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    // 'close' follows.
    socket.on('error', () => {});
    socket.on('close', this.#onClose);
  }

  get counters(): SchemeCounters {
    return this.listener.counters;
  }

  /** Cuts the connection off if its time is up. */
  sweep(now: number): void {
    if (now < this.deadline) return;
    this.#timeout = 'read';
    this.socket.destroy();
  }

  /** Closes at once if nothing has come. */
  stop(): void {
    if (this.#begun.length === 0 && this.#header === undefined) this.cut();
  }

  cut(): void {
    this.socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    let bytes = chunk;
    if (this.#header === undefined) {
      bytes = Buffer.concat([this.#begun, chunk]);
      const header = readProxyHeader(bytes);
      if (header === 'incomplete') {
        this.#begun = bytes;
        return;
      }
      if (typeof header === 'string') {
        this.#host.refused(header);
        this.socket.destroy();
        return;
      }
      this.#header = header;
      this.#missing = header.length;
    }
    if (bytes.length < this.#missing) this.#missing -= bytes.length;
    else this.#handOver(this.#header.source, bytes.subarray(this.#missing));
  };

  /** The proxy is gone before it has said whom it speaks for. */
  readonly #onEnd = (): void => {
    this.socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#host.closed(this, this.#timeout);
  };

  #handOver(source: Uint8Array | undefined, rest: Buffer): void {
    const { socket } = this;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    // What is put back would be given to nobody otherwise.
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    this.#host.introduced(this, source ?? this.#proxy);
  }
}
