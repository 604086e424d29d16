/**
 * A connection to Redis that does as little as possible (RESP 2): tests look with it at what the store has written,
 * and write what another program would have. Binary safe: strings come as bytes.
 */

import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { type SecureContextOptions, connect as secureConnect } from 'node:tls';

export type Reply = Buffer | number | null | RespError | Reply[];
export type Argument = string | number | Uint8Array;

const TIMEOUT = 10_000;
const CR = 0x0d;

/** An error that the server answered. */
export class RespError extends Error {
  /** The first word, as in `WRONGTYPE`. */
  get code(): string {
    return this.message.split(' ', 1)[0] as string;
  }
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export class RespClient {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #received = Buffer.alloc(0);
  #ended: Error | undefined;

  /** @param tls speaks TLS, with these certificates */
  static async open(to: NetConnectOpts, tls?: SecureContextOptions): Promise<RespClient> {
    const socket = tls ? secureConnect({ ...to, ...tls }) : connect(to);
    const client = new RespClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve);
      socket.once('close', () => reject(client.#ended));
    });
    return client;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the connection was closed')));
  }

  /** Whether it is of no use any more. */
  get closed(): boolean {
    return this.#ended !== undefined;
  }

  /** What the server answers; rejects with a `RespError` if that is an error. Calls in a row are pipelined. */
  command(...args: Argument[]): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const timer = setTimeout(() => {
        this.#socket.destroy(new Error(`${args[0]} was not answered within ${TIMEOUT} ms`));
      }, TIMEOUT);
      this.#waiting.push({
        resolve: (reply) => {
          clearTimeout(timer);
          if (reply instanceof RespError) reject(reply);
          else resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#socket.write(encode(args));
    });
  }

  /** The same for a command that answers one string. */
  async text(...args: Argument[]): Promise<string> {
    const reply = await this.command(...args);
    if (!Buffer.isBuffer(reply)) throw new Error(`${args[0]} answered no string`);
    return reply.toString();
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const read = readReply(this.#received, 0);
      if (!read) return;
      this.#received = this.#received.subarray(read.end);
      this.#waiting.shift()?.resolve(read.reply);
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const each of this.#waiting.splice(0)) each.reject(this.#ended);
  }
}

function encode(args: readonly Argument[]): Buffer {
  const parts = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), Buffer.from(bytes), Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** The reply that starts at `start` and the offset after it; `undefined` if it has not all come yet. */
function readReply(bytes: Buffer, start: number): { reply: Reply; end: number } | undefined {
  const lineEnd = bytes.indexOf(CR, start);
  if (lineEnd < 0 || lineEnd + 2 > bytes.length) return undefined;
  const line = bytes.subarray(start + 1, lineEnd);
  const next = lineEnd + 2;
  const type = String.fromCharCode(bytes[start] as number);
  switch (type) {
    case '+':
      return { reply: Buffer.from(line), end: next };
    case '-':
      return { reply: new RespError(line.toString()), end: next };
    case ':':
      return { reply: Number(line), end: next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, end: next };
      const end = next + length + 2;
      if (end > bytes.length) return undefined;
      return { reply: Buffer.from(bytes.subarray(next, next + length)), end };
    }
    case '*': {
      const length = Number(line);
      if (length < 0) return { reply: null, end: next };
      const reply: Reply[] = [];
      let end = next;
      while (reply.length < length) {
        const item = readReply(bytes, end);
        if (!item) return undefined;
        reply.push(item.reply);
        end = item.end;
      }
      return { reply, end };
    }
    default:
      throw new Error(`a reply of an unknown type: ${type}`);
  }
}
