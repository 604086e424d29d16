/**
 * What the UDP frontend needs of a socket: packets come in batches, and the answers to a batch leave together.
 * Nothing else of the frontend knows how packets are moved, so a faster way can stand beside a portable one.
 */

import type { BoundAddress } from '../../frontend.ts';

/** Bytes kept for a packet, in either direction. A longer packet is no request of BEP 15 and is dropped. */
export const SLOT = 2048;

/**
 * Packets received together, in parallel arrays. The handler reads packet `i` at `input[inputAt[i]…]` and
 * writes its answer at `output[outputAt[i]…]`, both at multiples of 4, with its length into `outputLengths[i]`;
 * 0 means no answer. All of it is the handler's until it returns, and nobody's afterwards.
 */
export interface PacketBatch {
  count: number;
  readonly input: Uint8Array;
  /** The same memory. */
  readonly inputWords: Int32Array;
  readonly inputAt: Int32Array;
  readonly inputLengths: Int32Array;
  /** The source address of packet `i` is at `sources[sourceAt[i]…]`. */
  readonly sources: Uint8Array;
  readonly sourceAt: Int32Array;
  /** 4 or 16. An IPv6 socket may give IPv4 sources as mapped addresses of 16. */
  readonly sourceLengths: Int32Array;
  readonly output: Uint8Array;
  /** The same memory. */
  readonly outputHalfwords: Uint16Array;
  readonly outputAt: Int32Array;
  readonly outputLengths: Int32Array;
}

export type BatchHandler = (batch: PacketBatch) => void;

/** Sends an answer to where a packet came from, after its batch is gone. */
export type Reply = (answer: Uint8Array, length: number) => void;

export interface UdpSocket {
  readonly address: BoundAddress;
  /**
   * Begins to receive, or goes on with another handler. `handle` is called for one batch at a time and must not throw.
   */
  serve(handle: BatchHandler): void;
  /** Called by the handler for a packet whose answer takes longer. */
  reply(batch: PacketBatch, index: number): Reply;
  /** Packets ever that the kernel had no room for, where it tells. */
  lost?(): number;
  /** Receives what has come already, then no more, and resolves; answers can still be sent. */
  drain(): Promise<void>;
  /** Resolves when all answers have left and the socket is closed. A reply that comes later goes nowhere. */
  close(): Promise<void>;
}
