/**
 * The other end of the batched socket: UDP sockets that are connected to a tracker, each with a source address
 * of its own in 127.0.0.0/8 (over IPv6, where the loopback has one address, with a port of its own), and batches through sendmmsg and recvmmsg in the tracker's own message headers.
 */

import { isIPv6 } from 'node:net';
import {
  BATCH,
  CONTROL,
  MESSAGE_LENGTH,
  MessageHeaders,
  NAME,
} from '../../src/frontend/udp/socket/message-headers.ts';
import { lastError } from '../../src/pkg/libc.ts';
import { AF_INET, AF_INET6, encodeSocketAddress } from '../../src/pkg/socket-address.ts';
import type { ClientLibc } from './client-libc.ts';

// Linux's constants, as in mmsg-socket.ts.
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const RECEIVE_BUFFER = 4 << 20;

export class ClientSockets {
  readonly count: number;
  /** Message `i` of a batch to send begins at `i * SLOT`. */
  readonly output: Uint8Array;
  /** Message `i` of the batch received begins at `i * SLOT`. */
  readonly input: Uint8Array;
  /** What the headers point at without holding it: it must live as long as they do. A connected socket's are empty. */
  readonly pointedAt: readonly Uint8Array[];
  readonly #libc: ClientLibc;
  readonly #fds: readonly number[];
  readonly #descriptors: Int32Array;
  readonly #sent: MessageHeaders;
  readonly #received: MessageHeaders;

  constructor(libc: ClientLibc, host: string, port: number, count: number) {
    this.#libc = libc;
    this.count = count;
    this.#fds = Array.from({ length: count }, (_, i) =>
      open(libc, isIPv6(host) ? host : sourceAddress(i), host, port),
    );
    this.#descriptors = Int32Array.from(this.#fds.flatMap((fd) => [fd, POLLIN]));
    const names = new Uint8Array(NAME * BATCH);
    const controls = new Uint8Array(CONTROL * BATCH);
    this.pointedAt = [names, controls];
    this.#sent = new MessageHeaders(libc, BATCH, names, controls);
    this.#received = new MessageHeaders(libc, BATCH, names, controls);
    this.output = this.#sent.slots;
    this.input = this.#received.slots;
  }

  setLength(message: number, length: number): void {
    this.#sent.setLength(message, length);
  }

  /** Sends the first `count` messages of the output, and returns how many went. */
  send(socket: number, count: number): number {
    return this.#libc.sendmmsg(this.#fds[socket] as number, this.#sent.address, count, MSG_DONTWAIT);
  }

  /** Receives what there is, up to a batch, and returns how many messages that were; not above 0 if none. */
  receive(socket: number): number {
    return this.#libc.recvmmsg(
      this.#fds[socket] as number,
      this.#received.address,
      BATCH,
      MSG_DONTWAIT,
      null,
    );
  }

  /** The length of message `message` of the batch received last. */
  lengthOf(message: number): number {
    return this.#received.get(message, MESSAGE_LENGTH);
  }

  /** Waits until a socket has something to receive, at most `milliseconds`. */
  wait(milliseconds: number): void {
    this.#libc.wait(this.#descriptors, this.count, milliseconds);
  }

  close(): void {
    for (const fd of this.#fds) this.#libc.close(fd);
  }
}

/** The most sockets that a load here has. */
export const MOST_SOURCES = 500;

/** 127.0.0.2, 127.0.0.3, and so on. */
export function sourceAddress(index: number): string {
  const number = index + 2;
  return `127.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}

function open(libc: ClientLibc, source: string, host: string, port: number): number {
  const fd = libc.socket(isIPv6(host) ? AF_INET6 : AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw lastError(libc, 'cannot open a UDP socket');
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, Int32Array.of(RECEIVE_BUFFER), 4);
  const own = encodeSocketAddress(source, 0);
  if (libc.bind(fd, own, own.length) < 0) throw lastError(libc, `cannot bind ${source}`);
  const tracker = encodeSocketAddress(host, port);
  if (libc.connect(fd, tracker, tracker.length) < 0) throw lastError(libc, `cannot connect ${source}`);
  return fd;
}
