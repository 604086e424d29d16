/**
 * The fast socket: batches of packets through Linux's recvmmsg and sendmmsg, inside the event loop.
 *
 *   Poller ──▶ recvmmsg ─▶ handle ─▶ sendmmsg, a batch at a time while there are packets
 *
 * A burst of one client, as when it starts with hundreds of torrents, is answered with one message, which the
 * kernel cuts up (UDP_SEGMENT): most of what a datagram costs is the way through the network layers.
 *
 * Answers leave from the address their request came to: the control message that says where a packet
 * arrived (IP_PKTINFO, IPV6_PKTINFO) goes back with the answer.
 */

import { type Libc, lastError } from '../../../pkg/libc.ts';
import { bindHost, formatHostPort, type ListenAddress } from '../../../pkg/listen-address.ts';
import { EPOLLIN, type Poller, threadPoller, type Watcher } from '../../../pkg/poller.ts';
import { IPPROTO_IPV6, IPV6_V6ONLY, SO_REUSEPORT, SOCK_DGRAM, SOL_SOCKET } from '../../../pkg/reuse-port.ts';
import {
  AF_INET,
  AF_INET6,
  decodeSocketAddress,
  encodeSocketAddress,
  IPV4_ADDRESS,
  IPV6_ADDRESS,
  SOCKADDR_IN6,
} from '../../../pkg/socket-address.ts';
import type { BoundAddress } from '../../frontend.ts';
import {
  BATCH,
  CONTROL,
  CONTROL_LENGTH,
  FLAGS,
  MESSAGE_LENGTH,
  MessageHeaders,
  NAME,
  NAME_LENGTH,
} from './message-headers.ts';
import { OutgoingHeaders } from './outgoing-headers.ts';
import { type BatchHandler, type PacketBatch, type Reply, SLOT, type UdpSocket } from './socket.ts';

// Linux's constants (asm-generic, which every supported architecture uses).
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
const MEMINFO_WORDS = 9;
const MEMINFO_DROPS = 8;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IPV6_RECVPKTINFO = 49;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const EIO = 5;

/** Where in a control message the interface is that a packet came by. Zero leaves the way back to routing. */
const INTERFACE_IPV4 = 16 / 4;
const INTERFACE_IPV6 = 32 / 4;

/** Batches that are still taken when no more are wanted: more than a receive buffer holds, unless they keep coming. */
const LAST_ROUNDS = 1024;

export interface MmsgOptions {
  /** Bytes of packets the kernel may hold for us. */
  readonly receiveBuffer: number;
  /** Whether other sockets may be bound to the same address, to share its packets. */
  readonly reusePort: boolean;
  /** Of a socket that is bound there already. */
  readonly descriptor?: number | undefined;
}

export class MmsgSocket implements UdpSocket, Watcher {
  readonly address: BoundAddress;
  readonly #libc: Libc;
  readonly #poller: Poller;
  readonly #fd: number;
  readonly #names = new Uint8Array(NAME * BATCH);
  readonly #controls = new Uint8Array(CONTROL * BATCH);
  readonly #controlWords = new Int32Array(this.#controls.buffer);
  readonly #received: MessageHeaders;
  readonly #sent: MessageHeaders;
  readonly #outgoing: OutgoingHeaders;
  readonly #batch: PacketBatch;
  #handle: BatchHandler = () => {};
  /** What the kernel says of the socket, drops among it: kept when it is closed. */
  readonly #meminfo = new Int32Array(MEMINFO_WORDS);
  #drained: Promise<void> | undefined;
  #watched = false;
  /** Whether nothing is received any more. */
  #paused = false;
  #closed = false;

  static async bind(libc: Libc, { host, port }: ListenAddress, options: MmsgOptions): Promise<MmsgSocket> {
    const { descriptor } = options;
    if (descriptor !== undefined) {
      askForDestination(libc, descriptor, boundAddress(libc, descriptor).host);
      enlargeReceiveBuffer(libc, descriptor, options.receiveBuffer);
      return new MmsgSocket(libc, descriptor);
    }
    return bindHost(host, (ip) => new MmsgSocket(libc, openSocket(libc, ip, port, options)));
  }

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#poller = threadPoller(libc);
    this.#fd = fd;
    try {
      this.#poller.hold();
    } catch (error) {
      libc.close(fd);
      throw error;
    }
    this.address = { protocol: 'udp', ...boundAddress(libc, this.#fd) };
    this.#received = new MessageHeaders(libc, BATCH, this.#names, this.#controls);
    this.#sent = new MessageHeaders(libc, BATCH, this.#names, this.#controls);
    this.#outgoing = new OutgoingHeaders(libc, fd, this.#sent);
    for (let i = 0; i < BATCH; i++) this.#expect(i);
    const places = Int32Array.from({ length: BATCH }, (_, i) => i * SLOT);
    this.#batch = {
      count: 0,
      input: this.#received.slots,
      inputWords: new Int32Array(this.#received.slots.buffer),
      inputAt: places,
      inputLengths: new Int32Array(BATCH),
      sources: this.#names,
      sourceAt: new Int32Array(BATCH),
      sourceLengths: new Int32Array(BATCH),
      output: this.#sent.slots,
      outputHalfwords: new Uint16Array(this.#sent.slots.buffer),
      outputAt: places,
      outputLengths: new Int32Array(BATCH),
    };
  }

  serve(handle: BatchHandler): void {
    this.#handle = handle;
    if (this.#watched) return;
    this.#watched = this.#poller.watch(this.#fd, EPOLLIN, this);
    if (!this.#watched) throw lastError(this.#libc, 'cannot wait for UDP packets');
  }

  /** There are packets. With more than a batch the poller tells of it again, after others have had their turn. */
  ready(): void {
    this.#receive();
  }

  reply(_batch: PacketBatch, index: number): Reply {
    const name = this.#names.slice(index * NAME, (index + 1) * NAME);
    const control = this.#controls.slice(index * CONTROL, (index + 1) * CONTROL);
    const message = new MessageHeaders(this.#libc, 1, name, control);
    message.set(0, NAME_LENGTH, this.#received.get(index, NAME_LENGTH));
    message.set(0, CONTROL_LENGTH, this.#received.get(index, CONTROL_LENGTH));
    return (answer, length) => {
      // Its number may be another file's by now.
      if (this.#closed) return;
      message.slots.set(answer.subarray(0, length));
      message.setLength(0, length);
      this.#libc.sendmmsg(this.#fd, message.address, 1, 0);
    };
  }

  lost(): number {
    const words = this.#meminfo;
    if (!this.#closed)
      this.#libc.getsockopt(this.#fd, SOL_SOCKET, SO_MEMINFO, words, Int32Array.of(words.byteLength));
    return (words[MEMINFO_DROPS] as number) >>> 0;
  }

  drain(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      // Not at once: whoever asks may have been called by the handler, whose batch this would be.
      setImmediate(() => {
        for (let round = 0; round < LAST_ROUNDS && !this.#paused && this.#receive(); round++);
        this.#pause();
        resolve();
      });
    });
    return this.#drained;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    // Looked at a last time: from here on the descriptor may be another's.
    this.lost();
    this.#closed = true;
    this.#pause();
    this.#libc.close(this.#fd);
    this.#poller.release();
  }

  #pause(): void {
    this.#paused = true;
    if (this.#watched) this.#poller.unwatch(this.#fd);
    this.#watched = false;
  }

  /** Receives, handles and answers a batch. Returns whether there was one. */
  #receive(): boolean {
    const count = this.#libc.recvmmsg(this.#fd, this.#received.address, BATCH, MSG_DONTWAIT, null);
    if (count <= 0) return false;
    this.#take(count);
    this.#handle(this.#batch);
    this.#send(count);
    return true;
  }

  /** Describes the packets received to the handler, and makes their headers ready for sending. */
  #take(count: number): void {
    const batch = this.#batch;
    const received = this.#received;
    batch.count = count;
    for (let i = 0; i < count; i++) {
      const truncated = (received.get(i, FLAGS) & MSG_TRUNC) !== 0;
      batch.inputLengths[i] = truncated ? 0 : received.get(i, MESSAGE_LENGTH);
      const ipv4 = this.#names[i * NAME] === AF_INET;
      batch.sourceAt[i] = i * NAME + (ipv4 ? IPV4_ADDRESS : IPV6_ADDRESS);
      batch.sourceLengths[i] = ipv4 ? 4 : 16;
      this.#sent.set(i, NAME_LENGTH, received.get(i, NAME_LENGTH));
      this.#sent.set(i, CONTROL_LENGTH, received.get(i, CONTROL_LENGTH));
      this.#controlWords[(i * CONTROL) / 4 + (ipv4 ? INTERFACE_IPV4 : INTERFACE_IPV6)] = 0;
    }
  }

  #send(count: number): void {
    const outgoing = this.#outgoing;
    const places = outgoing.arrange(this.#batch.outputLengths, count);
    let from = 0;
    /** Where those end that the kernel refused to take together. */
    let apart = 0;
    while (from < places) {
      const headers = outgoing.fill(from, places, apart);
      const sent = this.#libc.sendmmsg(this.#fd, outgoing.address, headers, 0);
      if (sent === headers) break;
      if (sent > 0) {
        from = outgoing.firstOf(sent);
        continue;
      }
      // What the kernel refuses to send (to port 0, to a network that is gone) is skipped.
      if (outgoing.countOf(0) === 1) from++;
      else {
        apart = from + outgoing.countOf(0);
        // An interface that computes no checksums cuts nothing up.
        if (this.#libc.errno() === EIO) outgoing.cuts = false;
      }
    }
    for (let i = 0; i < count; i++) this.#expect(i);
  }

  /** Makes a header ready for receiving: the kernel has written what it used over what there is. */
  #expect(message: number): void {
    this.#received.set(message, NAME_LENGTH, NAME);
    this.#received.set(message, CONTROL_LENGTH, CONTROL);
  }
}

function openSocket(libc: Libc, host: string, port: number, options: MmsgOptions): number {
  const what = `cannot bind UDP ${formatHostPort(host, port)}`;
  const address = encodeSocketAddress(host, port);
  const domain = address.length === SOCKADDR_IN6 ? AF_INET6 : AF_INET;
  const fd = libc.socket(domain, SOCK_DGRAM, 0);
  if (fd < 0) throw lastError(libc, what);
  const set = (level: number, name: number, value: number) =>
    libc.setsockopt(fd, level, name, Int32Array.of(value), 4);
  if (domain === AF_INET6) set(IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (options.reusePort) set(SOL_SOCKET, SO_REUSEPORT, 1);
  askForDestination(libc, fd, host);
  setReceiveBuffer(libc, fd, options.receiveBuffer);
  if (libc.bind(fd, address, address.length) < 0) {
    const error = lastError(libc, what);
    libc.close(fd);
    throw error;
  }
  return fd;
}

/** Has each packet say where it arrived. Bound to one address, a socket has no other to answer from. */
function askForDestination(libc: Libc, fd: number, host: string): void {
  const on = Int32Array.of(1);
  if (host === '::') libc.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, on, 4);
  if (host === '0.0.0.0') libc.setsockopt(fd, IPPROTO_IP, IP_PKTINFO, on, 4);
}

/** Beyond the system's limit only root may go. */
function setReceiveBuffer(libc: Libc, fd: number, bytes: number): void {
  const value = Int32Array.of(bytes);
  if (libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, 4) < 0)
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, 4);
}

/** Whoever bound it may have given it more than we may: then asking would make it less. */
function enlargeReceiveBuffer(libc: Libc, fd: number, bytes: number): void {
  const trial = libc.socket(AF_INET, SOCK_DGRAM, 0);
  setReceiveBuffer(libc, trial, bytes);
  if (receiveBufferOf(libc, trial) > receiveBufferOf(libc, fd)) setReceiveBuffer(libc, fd, bytes);
  libc.close(trial);
}

function receiveBufferOf(libc: Libc, fd: number): number {
  const bytes = new Int32Array(1);
  libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, bytes, Int32Array.of(4));
  return bytes[0] as number;
}

function boundAddress(libc: Libc, fd: number): { readonly host: string; readonly port: number } {
  const address = new Uint8Array(SOCKADDR_IN6);
  libc.getsockname(fd, address, Int32Array.of(SOCKADDR_IN6));
  return decodeSocketAddress(address);
}
