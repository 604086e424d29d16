/** A UDP socket for tests: sends packets made by hand, and waits for the answers. */

import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export class UdpClient {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #host: string;
  readonly #answers: Buffer[] = [];
  #wake: (() => void) | undefined;

  static async open(port: number, host = '127.0.0.1', from?: string): Promise<UdpClient> {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    await new Promise<void>((resolve) => socket.bind(0, from ?? host, resolve));
    return new UdpClient(socket, port, host);
  }

  private constructor(socket: Socket, port: number, host: string) {
    this.#socket = socket;
    this.#port = port;
    this.#host = host;
    socket.on('message', (message) => {
      this.#answers.push(message);
      this.#wake?.();
    });
  }

  /** The port packets are sent from. */
  get port(): number {
    return this.#socket.address().port;
  }

  send(packet: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.send(packet, this.#port, this.#host, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** The next answer, whatever it answers. */
  async receive(timeout = 20_000): Promise<Buffer> {
    if (this.#answers.length === 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout);
      }).finally(() => clearTimeout(timer));
    }
    return this.#answers.shift() as Buffer;
  }

  async ask(packet: Uint8Array): Promise<Buffer> {
    await this.send(packet);
    return this.receive();
  }

  /**
   * Whether a packet goes unanswered: a connect sent after it is answered first. Packets of one socket
   * are handled in order, so this needs no waiting.
   */
  async isIgnored(packet: Uint8Array): Promise<boolean> {
    await this.send(packet);
    const answer = await this.ask(connectPacket(0x7fffffff));
    const ignored = answer.readUInt32BE(4) === 0x7fffffff && answer.readUInt32BE(0) === 0;
    if (!ignored) await this.receive();
    return ignored;
  }

  /** Asks for a connection id and returns its 8 bytes. */
  async connect(): Promise<Buffer> {
    const answer = await this.ask(connectPacket(1));
    return answer.subarray(8, 16);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

export function connectPacket(transactionId: number): Buffer {
  const packet = Buffer.from('00000417271019800000000000000000', 'hex');
  packet.writeUInt32BE(transactionId, 12);
  return packet;
}

export interface AnnouncePacket {
  readonly connectionId: Uint8Array;
  readonly action?: 1 | 4;
  readonly transactionId?: number;
  readonly infohash?: Uint8Array;
  /** 20 bytes of latin1. */
  readonly peerId?: string;
  readonly left?: bigint;
  readonly downloaded?: bigint;
  readonly uploaded?: bigint;
  readonly event?: number;
  /** 4 or 16 bytes. */
  readonly ip?: Uint8Array;
  readonly numwant?: number;
  readonly port?: number;
  /** BEP 41. */
  readonly options?: Uint8Array;
}

export function announcePacket(fields: AnnouncePacket): Buffer {
  const ipLength = fields.action === 4 ? 16 : 4;
  const fixed = Buffer.alloc(94 + ipLength);
  fixed.set(fields.connectionId, 0);
  fixed.writeUInt32BE(fields.action ?? 1, 8);
  fixed.writeUInt32BE(fields.transactionId ?? 0x01020304, 12);
  fixed.set(fields.infohash ?? Buffer.alloc(20, 0xaa), 16);
  fixed.write(fields.peerId ?? '-TR4050-abcdefghijkl', 36, 'latin1');
  fixed.writeBigUInt64BE(fields.downloaded ?? 0n, 56);
  fixed.writeBigUInt64BE(fields.left ?? 1000n, 64);
  fixed.writeBigUInt64BE(fields.uploaded ?? 0n, 72);
  fixed.writeUInt32BE(fields.event ?? 0, 80);
  if (fields.ip) fixed.set(fields.ip, 84);
  fixed.writeUInt32BE(fields.numwant ?? 0xffffffff, 84 + ipLength + 4);
  fixed.writeUInt16BE(fields.port ?? 6881, 84 + ipLength + 8);
  return Buffer.concat([fixed, fields.options ?? Buffer.alloc(0)]);
}

export function scrapePacket(connectionId: Uint8Array, infohashes: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(16);
  header.set(connectionId, 0);
  header.writeUInt32BE(2, 8);
  header.writeUInt32BE(0x01020304, 12);
  return Buffer.concat([header, ...infohashes]);
}
