/**
 * What the HTTP frontend needs of sockets: one that listens, and for each connection its bytes in both directions. Nothing else of
 * the frontend knows how they are moved, so a faster way can stand beside a portable one.
 */

import type { Socket } from 'node:net';
import type { Output } from '../output.ts';

/** A connection's bytes. */
export interface ByteStream {
  /** Bytes of answers that the system has not taken yet. */
  readonly pending: number;
  /** Whether so much is pending that the reader should wait for `drained` before it sends more. */
  readonly full: boolean;
  /** Sends what waits in the output, which is empty afterwards. */
  send(output: Output): void;
  /** The reader is not told of bytes, nor of their end, until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends our side as soon as nothing is pending; what the client still sends is told of. */
  end(): void;
  /** Closes as soon as nothing is pending. */
  close(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Whom a stream tells of what happens to it. */
export interface StreamReader {
  /** `bytes[0, end)` have come. The memory is the reader's until it returns, and nobody's afterwards. */
  received(bytes: Buffer, end: number): void;
  /** What was pending has left. */
  drained(): void;
  /** The client has ended its side. */
  ended(): void;
  /**
   * Both sides have ended, the connection broke, or it was closed. The last call, which may come from within a method
   * of the stream; the stream does nothing any more.
   */
  closed(): void;
}

/** Whom a listening socket tells of what it accepts. `remote` is the other end's address, 4 or 16 bytes, unmapped. */
export interface Acceptor {
  /** Whether a connection from there has to be Node's: a proxy's, whose header is read from a socket of Node. */
  needsNode(remote: Uint8Array): boolean;
  /** One of ours. Returns whom it tells. */
  onStream(stream: ByteStream, remote: Uint8Array): StreamReader;
  /** One of Node's. */
  onSocket(socket: Socket, remote: Uint8Array): void;
  /** Nothing can be accepted for now. */
  onError(error: Error): void;
}

export interface ListeningSocket {
  /** What is bound. */
  readonly address: { readonly host: string; readonly port: number };
  /** Resolves when the connections and bytes are read that the system has already received. */
  drain(): Promise<void>;
  /** Frees the port at once. Resolves when the last connection is gone. */
  close(): Promise<void>;
}
