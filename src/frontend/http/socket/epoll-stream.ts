/**
 * A connection through system calls of our own. Of a connection that asks once, it takes four: accept4, recv, send, close.
 *
 * Events tell of changes (EPOLLET), not of states: whoever has not taken all asks to be told again (`rewatch`). So a connection
 * that is paused, whatever its client does meanwhile, costs nothing.
 */

import { EAGAIN, type Libc } from '../../../pkg/libc.ts';
import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  type Poller,
  type Watcher,
} from '../../../pkg/poller.ts';
import type { Output } from '../output.ts';
import type { ByteStream, StreamReader } from './socket.ts';

const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;

/** Bytes received at once, into memory that all connections share. */
export const INPUT = 65_536;

/** Times a connection is read before others have their turn. */
const READS = 4;

/** Smaller memory might be moved, and the system is given addresses. */
const SMALLEST = 128;

/** What the streams of a listening socket have in common. */
export interface StreamHost {
  readonly libc: Libc;
  readonly poller: Poller;
  readonly input: Buffer;
  readonly inputAt: bigint;
  outputAt(output: Output): bigint;
  /** Told of each stream that is closed. */
  gone(): void;
}

/** What becomes of the connection when nothing is pending any more. */
const Then = { Stay: 0, End: 1, Close: 2 } as const;
type Then = (typeof Then)[keyof typeof Then];

export class EpollStream implements ByteStream, Watcher {
  pending = 0;
  readonly #host: StreamHost;
  #reader: StreamReader | undefined;
  /** -1 when it is closed. */
  #fd: number;
  #watched = false;
  /** What epoll is to tell of. */
  #events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  #paused = false;
  /** Whether there may be bytes that a paused reader was not told of. */
  #unread = false;
  #inputEnded = false;
  #then: Then = Then.Stay;
  /** What is pending, from `#restStart` on. */
  #rest: Buffer | undefined;
  #restStart = 0;

  constructor(host: StreamHost, fd: number) {
    this.#host = host;
    this.#fd = fd;
  }

  get full(): boolean {
    return this.pending > 0;
  }

  /** Reads what has come with the connection already; it is watched if it is still there afterwards. */
  start(reader: StreamReader): void {
    this.#reader = reader;
    this.#read(0);
    if (this.#fd < 0) return;
    this.#watched = this.#host.poller.watch(this.#fd, this.#events, this);
    if (!this.#watched) this.destroy();
  }

  ready(events: number): void {
    if ((events & EPOLLOUT) !== 0 && this.pending > 0) this.#sendRest();
    if ((events & ~EPOLLOUT) !== 0) this.#read(events);
    // Nobody reads on to find out that it is gone, and it is not told twice.
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0 && (this.#paused || this.#inputEnded)) this.destroy();
  }

  send(output: Output): void {
    const { libc } = this.#host;
    const end = output.at;
    let sent = 0;
    if (this.#fd >= 0 && this.pending === 0) {
      sent = libc.send(this.#fd, this.#host.outputAt(output), end, MSG_NOSIGNAL);
      if (sent < 0) sent = this.#failed();
    }
    if (this.#fd >= 0 && sent < end) this.#keep(output.bytes.subarray(sent, end));
    output.clear();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (!this.#unread) return;
    this.#unread = false;
    this.#rewatch();
  }

  end(): void {
    this.#then = Then.End;
    if (this.pending === 0) this.#drained();
  }

  close(): void {
    this.#then = Then.Close;
    if (this.pending === 0) this.destroy();
  }

  destroy(): void {
    if (this.#fd < 0) return;
    const { libc, poller } = this.#host;
    if (this.#watched) poller.closing(this.#fd);
    libc.close(this.#fd);
    this.#fd = -1;
    this.pending = 0;
    this.#rest = undefined;
    this.#host.gone();
    this.#reader?.closed();
  }

  /** @param events what epoll has said */
  #read(events: number): void {
    const { libc, input, inputAt } = this.#host;
    for (let i = 0; i < READS; i++) {
      if (this.#fd < 0 || this.#inputEnded) return;
      if (this.#paused) {
        this.#unread = true;
        return;
      }
      const length = libc.recv(this.#fd, inputAt, INPUT, 0);
      if (length < 0) {
        this.#failed();
        return;
      }
      if (length === 0) {
        this.#inputEnded = true;
        this.#reader?.ended();
        if (this.#then === Then.End && this.pending === 0) this.destroy();
        return;
      }
      this.#reader?.received(input, length);
      // That was all, unless the end has come with it, of which no further event would tell.
      if (length < INPUT && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) === 0) return;
    }
    if (this.#fd >= 0) this.#rewatch();
  }

  /** A call has failed: for now, which leaves 0 bytes done, or for good. */
  #failed(): number {
    if (this.#host.libc.errno() !== EAGAIN) this.destroy();
    return 0;
  }

  /** Copies what the system does not take yet. */
  #keep(bytes: Buffer): void {
    const rest = Buffer.allocUnsafeSlow(Math.max(this.pending + bytes.length, SMALLEST));
    this.#rest?.copy(rest, 0, this.#restStart, this.#restStart + this.pending);
    rest.set(bytes, this.pending);
    this.#rest = rest;
    this.#restStart = 0;
    this.pending += bytes.length;
    if ((this.#events & EPOLLOUT) !== 0) return;
    this.#events |= EPOLLOUT;
    this.#rewatch();
  }

  #sendRest(): void {
    const { libc } = this.#host;
    const at = libc.address(this.#rest as Buffer);
    while (this.pending > 0) {
      const sent = libc.send(this.#fd, at + BigInt(this.#restStart), this.pending, MSG_NOSIGNAL);
      if (sent < 0) {
        this.#failed();
        return;
      }
      this.#restStart += sent;
      this.pending -= sent;
    }
    this.#rest = undefined;
    this.#drained();
  }

  #drained(): void {
    if (this.#fd < 0) return;
    if (this.#then === Then.Stay) this.#reader?.drained();
    else if (this.#then === Then.Close || this.#inputEnded) this.destroy();
    else this.#host.libc.shutdown(this.#fd, SHUT_WR);
  }

  /** Has epoll tell of what is the case now. A connection that is not watched yet will be told of it when it is. */
  #rewatch(): void {
    if (this.#watched) this.#host.poller.rewatch(this.#fd, this.#events);
  }
}
