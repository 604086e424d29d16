/** A listening socket whose connections are accepted and served through system calls of our own, on Linux. */

import { Socket } from 'node:net';
import { noteClosed } from '../../../pkg/descriptors.ts';
import { EAGAIN, type Libc, lastError } from '../../../pkg/libc.ts';
import { EPOLLIN, type Poller, threadPoller, type Watcher } from '../../../pkg/poller.ts';
import { decodeSocketAddress, decodeUnmapped, SOCKADDR_IN6 } from '../../../pkg/socket-address.ts';
import type { Output } from '../output.ts';
import { EpollStream, INPUT, type StreamHost } from './epoll-stream.ts';
import { nextRound } from './node-listener.ts';
import type { Acceptor, ListeningSocket } from './socket.ts';

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;

/** What is wrong with one connection, or was: the next may be accepted (accept(2)). */
const PASSING: ReadonlySet<number> = new Set([
  1, // EPERM: a firewall's rule
  4, // EINTR
  64, // ENONET
  71, // EPROTO
  92, // ENOPROTOOPT
  95, // EOPNOTSUPP
  100, // ENETDOWN
  101, // ENETUNREACH
  103, // ECONNABORTED
  112, // EHOSTDOWN
  113, // EHOSTUNREACH
]);

/** Connections accepted before others have their turn. */
const ACCEPTS = 64;

/** The time without accepting when the system has no descriptor or memory left (milliseconds). */
const RESPITE = 100;

export class EpollListener implements ListeningSocket, StreamHost, Watcher {
  readonly address: { readonly host: string; readonly port: number };
  readonly libc: Libc;
  readonly poller: Poller;
  readonly input = Buffer.allocUnsafeSlow(INPUT);
  readonly inputAt: bigint;
  readonly #fd: number;
  readonly #acceptor: Acceptor;
  /** The length of a peer's address, then the address: more memory than it takes, so that none of it is moved. */
  readonly #peer = new Uint8Array(128);
  readonly #lengthAt: bigint;
  readonly #addressAt: bigint;
  #outputBytes: Buffer | undefined;
  #outputAt = 0n;
  #connections = 0;
  #respite: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;
  #onGone: (() => void) | undefined;

  /**
   * @param fd a socket that listens and does not block; it is closed if this throws
   * @throws Error if the system has no descriptor left
   */
  constructor(libc: Libc, fd: number, acceptor: Acceptor) {
    this.libc = libc;
    this.poller = threadPoller(libc);
    this.inputAt = libc.address(this.input);
    this.#fd = fd;
    this.#acceptor = acceptor;
    this.#lengthAt = libc.address(this.#peer);
    this.#addressAt = this.#lengthAt + 4n;
    // Connections have it from the socket that they were accepted on.
    libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, Int32Array.of(1), 4);
    libc.getsockname(fd, this.#peer, Int32Array.of(SOCKADDR_IN6));
    this.address = decodeSocketAddress(this.#peer);
    this.#peer[0] = SOCKADDR_IN6;
    this.#peer.fill(0, 1, 4);
    try {
      this.poller.hold();
    } catch (error) {
      libc.close(fd);
      throw error;
    }
    this.#watch();
  }

  ready(): void {
    for (let i = 0; i < ACCEPTS; i++) {
      // The length stays as it is: all addresses of a socket are of one family.
      const fd = this.libc.accept4(this.#fd, this.#addressAt, this.#lengthAt, SOCK_NONBLOCK_CLOEXEC);
      if (fd < 0) {
        const errno = this.libc.errno();
        if (errno === EAGAIN) return;
        if (PASSING.has(errno)) continue;
        this.#rest();
        return;
      }
      this.#connections++;
      this.#serve(fd, decodeUnmapped(this.#peer, 4));
    }
  }

  outputAt({ bytes }: Output): bigint {
    if (bytes !== this.#outputBytes) {
      this.#outputBytes = bytes;
      this.#outputAt = this.libc.address(bytes);
    }
    return this.#outputAt;
  }

  gone(): void {
    this.#connections--;
    if (this.#connections === 0) this.#onGone?.();
  }

  async drain(): Promise<void> {
    await this.poller.dry();
    // Of the connections, some may be Node's.
    await nextRound();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #serve(fd: number, remote: Uint8Array): void {
    if (this.#acceptor.needsNode(remote)) {
      noteClosed(fd);
      const socket = new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
      socket.once('close', () => this.gone());
      this.#acceptor.onSocket(socket, remote);
      return;
    }
    const stream = new EpollStream(this, fd);
    stream.start(this.#acceptor.onStream(stream, remote));
  }

  async #close(): Promise<void> {
    if (this.#respite) clearTimeout(this.#respite);
    else this.poller.unwatch(this.#fd);
    this.libc.close(this.#fd);
    if (this.#connections > 0) await new Promise<void>((resolve) => (this.#onGone = resolve));
    this.poller.release();
  }

  #watch(): void {
    this.#respite = undefined;
    if (!this.poller.watch(this.#fd, EPOLLIN, this)) this.#rest();
  }

  /** Nothing can be accepted until others have closed something: trying again at once would be all that is done. */
  #rest(): void {
    const error = lastError(this.libc, 'accept');
    this.poller.unwatch(this.#fd);
    this.#respite = setTimeout(() => this.#watch(), RESPITE);
    this.#acceptor.onError(error);
  }
}
