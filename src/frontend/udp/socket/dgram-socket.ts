/**
 * The portable socket: node:dgram, a batch of one packet at a time.
 *
 * Answers are written into a ring of slots and sent from there. libuv keeps pointing at a slot until the
 * answer has left, so a slot is used again only when all answers before it are out; if the ring is full,
 * because the network takes no more, answers are dropped, as the network would.
 */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { noteClosed } from '../../../pkg/descriptors.ts';
import { parseIp } from '../../../pkg/ip-address.ts';
import { type Libc, loadLibc } from '../../../pkg/libc.ts';
import { bindHost, formatHostPort, type ListenAddress, NO_IPV6 } from '../../../pkg/listen-address.ts';
import { bindSocket, SOCK_DGRAM } from '../../../pkg/reuse-port.ts';
import type { BoundAddress } from '../../frontend.ts';
import { type BatchHandler, type PacketBatch, type Reply, SLOT, type UdpSocket } from './socket.ts';

const RING = 256;

/** Rounds of the event loop in which packets are still taken when no more are wanted: a flood has no end. */
const LAST_ROUNDS = 1000;

export interface DgramOptions {
  /** Bytes of packets the kernel may hold for us. */
  readonly receiveBuffer: number;
  /** Whether other sockets may be bound to the same address, to share its packets. Needs Linux. */
  readonly reusePort: boolean;
  /** Of a socket that is bound there already. */
  readonly descriptor?: number | undefined;
}

export class DgramSocket implements UdpSocket {
  readonly address: BoundAddress;
  readonly #socket: Socket;
  readonly #ring = Buffer.from(new ArrayBuffer(RING * SLOT));
  readonly #batch: PacketBatch;
  /** Answers given to the socket and answers that have left, ever. */
  #given = 0;
  #sent = 0;
  #drained: (() => void) | undefined;
  #source: RemoteInfo | undefined;
  #handle: BatchHandler | undefined;
  #received = 0;
  #closed = false;
  readonly #onSent = () => {
    this.#sent++;
    if (this.#sent === this.#given) this.#drained?.();
  };

  /** Binds a socket to an address; without a host to every address of both families. */
  static async bind({ host, port }: ListenAddress, options: DgramOptions): Promise<DgramSocket> {
    const libc = options.reusePort ? await loadLibc() : undefined;
    // node:dgram has one word more for it.
    return bindHost(host, async (ip) => new DgramSocket(await bound(ip, port, options, libc)), [
      ...NO_IPV6,
      'EINVAL',
    ]);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = { protocol: 'udp', host: address, port };
    const input = new Uint8Array(SLOT);
    this.#batch = {
      count: 1,
      input,
      inputWords: new Int32Array(input.buffer),
      inputAt: new Int32Array(1),
      inputLengths: new Int32Array(1),
      sources: new Uint8Array(16),
      sourceAt: new Int32Array(1),
      sourceLengths: new Int32Array(1),
      output: this.#ring,
      outputHalfwords: new Uint16Array(this.#ring.buffer),
      outputAt: new Int32Array(1),
      outputLengths: new Int32Array(1),
    };
    // Errors of single packets, such as an unreachable client, are nobody's business.
    socket.on('error', () => {});
  }

  serve(handle: BatchHandler): void {
    const first = this.#handle === undefined;
    this.#handle = handle;
    if (!first) return;
    this.#socket.on('message', (message, source) => {
      this.#received++;
      if (this.#given - this.#sent >= RING) return;
      const batch = this.#batch;
      const address = parseIp(source.address);
      if (!address) return;
      batch.sources.set(address);
      batch.sourceLengths[0] = address.length;
      // What is longer than any request is handed on without its bytes, to be counted.
      const fits = message.length <= SLOT;
      if (fits) batch.input.set(message);
      batch.inputLengths[0] = fits ? message.length : 0;
      batch.outputAt[0] = (this.#given % RING) * SLOT;
      batch.outputLengths[0] = 0;
      this.#source = source;
      this.#handle?.(batch);
      const length = batch.outputLengths[0] as number;
      if (length > 0) this.#send(this.#ring, batch.outputAt[0] as number, length, source);
    });
  }

  reply(): Reply {
    const source = this.#source as RemoteInfo;
    return (answer, length) => this.#send(Buffer.from(answer.buffer, answer.byteOffset), 0, length, source);
  }

  async drain(): Promise<void> {
    // What the system holds is seen only by receiving it, some packets a round of the event loop.
    let before: number;
    let rounds = 0;
    do {
      before = this.#received;
      await nextRound();
    } while (this.#received > before && ++rounds < LAST_ROUNDS);
    this.#socket.removeAllListeners('message');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.removeAllListeners('message');
    if (this.#sent < this.#given) await new Promise<void>((resolve) => (this.#drained = resolve));
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #send(bytes: Buffer, at: number, length: number, { port, address }: RemoteInfo): void {
    // Nobody can send from port 0, and Node refuses to answer there.
    if (port === 0 || this.#closed) return;
    this.#given++;
    this.#socket.send(bytes, at, length, port, address, this.#onSent);
  }
}

/** @param libc of a socket that shares its address */
function bound(
  host: string,
  port: number,
  { receiveBuffer, descriptor }: DgramOptions,
  libc: Libc | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      recvBufferSize: receiveBuffer,
      // Addresses of clients need no resolver; without this, Node asks one for each answer.
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    const fail = (error: Error) => {
      socket.close();
      reject(
        Object.assign(error, { message: `cannot bind UDP ${formatHostPort(host, port)}: ${error.message}` }),
      );
    };
    socket.once('error', fail);
    const listening = () => {
      const { address } = socket.address();
      // Node sends as the kind of socket that it was told, without asking the system.
      if (isIPv6(address) !== isIPv6(host))
        return fail(new Error(`the socket that is there is of ${address}`));
      socket.removeAllListeners('error');
      resolve(socket);
    };
    if (!libc && descriptor === undefined) {
      socket.bind(port, host, listening);
      return;
    }
    try {
      const fd = descriptor ?? bindSocket(libc as Libc, SOCK_DGRAM, host, port, true);
      noteClosed(fd);
      socket.bind({ fd }, listening);
    } catch (error) {
      fail(error as Error);
    }
  });
}

/** A whole round of the event loop, its poll for new packets included. */
function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
