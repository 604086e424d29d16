/** A UDP socket that sends what it is told, right or wrong, and knows when all answers are in. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const CONNECT_MAGIC = 0x41727101980n;
const RETRY_AFTER = 500;
const RETRIES = 20;

export class UdpProbe {
  readonly #socket: Socket;
  readonly #answers: Buffer[] = [];
  #arrived: () => void = () => {};
  #barrier = 0xf0000000;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (answer) => {
      this.#answers.push(answer);
      this.#arrived();
    });
  }

  static async open(port: number, host = '127.0.0.1'): Promise<UdpProbe> {
    const socket = createSocket('udp4');
    socket.connect(port, host);
    await once(socket, 'connect');
    return new UdpProbe(socket);
  }

  /** A valid connection id for this socket: 8 bytes. */
  async connect(): Promise<Buffer> {
    const [id] = await this.#settle();
    return id;
  }

  /**
   * Sends the packets and returns the answers to them, in the order they came. The tracker answers one
   * client in the order of its packets: when a connect that was sent last is answered, all are.
   * Transaction ids from 0xf0000000 on are the probe's own.
   */
  async exchange(packets: readonly Buffer[]): Promise<Buffer[]> {
    this.#answers.length = 0;
    for (const packet of packets) this.#socket.send(packet);
    const [, answers] = await this.#settle();
    return answers;
  }

  close(): void {
    this.#socket.close();
  }

  async #settle(): Promise<[Buffer, Buffer[]]> {
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const transaction = this.#barrier++;
      const isOurs = (answer: Buffer) => answer.length >= 8 && answer.readUInt32BE(4) === transaction;
      this.#socket.send(header(CONNECT_MAGIC, 0, transaction));
      const answer = await this.#first(isOurs);
      if (!answer) continue;
      const others = this.#answers.filter((each) => each.length < 8 || each.readUInt32BE(4) < 0xf0000000);
      return [Buffer.from(answer.subarray(8, 16)), others];
    }
    throw new Error(`no answer to ${RETRIES} connects`);
  }

  /** The first answer that `matches`; `undefined` after a while, as packets may be lost. */
  #first(matches: (answer: Buffer) => boolean): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const finish = (answer: Buffer | undefined): void => {
        clearTimeout(timer);
        this.#arrived = () => {};
        resolve(answer);
      };
      const timer = setTimeout(() => finish(undefined), RETRY_AFTER);
      this.#arrived = () => {
        const answer = this.#answers.find(matches);
        if (answer) finish(answer);
      };
      this.#arrived();
    });
  }
}

/** The 16 bytes that every request begins with. */
export function header(connectionId: bigint | Buffer, action: number, transaction: number): Buffer {
  const bytes = Buffer.alloc(16);
  if (typeof connectionId === 'bigint') bytes.writeBigUInt64BE(connectionId, 0);
  else connectionId.copy(bytes, 0);
  bytes.writeUInt32BE(action, 8);
  bytes.writeUInt32BE(transaction, 12);
  return bytes;
}

export const PROTOCOL_ID = CONNECT_MAGIC;
