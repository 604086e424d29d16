/**
 * The memory that recvmmsg and sendmmsg work on: `struct mmsghdr` and what it points at, as Linux lays them
 * out on 64-bit machines, for a batch of messages. Everything is allocated once, and pointers never change.
 *
 *   mmsghdr   0      8        16    24       32        40           48      56
 *   64 bytes  | name | length | iov | iovlen | control | controllen | flags | received or sent
 *
 *   name      sockaddr_in:  family (2) · port (2) · address (4)
 *   32 bytes  sockaddr_in6: family (2) · port (2) · flow (4) · address (16) · scope (4)
 *
 *   control   cmsghdr: length (8) · level (4) · type (4), then in_pktinfo:  interface (4) · local (4) · header (4)
 *   64 bytes                                             or in6_pktinfo: address (16) · interface (4)
 *             and a cmsghdr of outgoing-headers.ts
 */

import type { Libc } from '../../../pkg/libc.ts';
import { SLOT } from './socket.ts';

/** Messages in a batch. More gain nothing: measured from 16 to 256. */
export const BATCH = 64;

export const HEADER = 64;
export const NAME = 32;
export const CONTROL = 64;
export const VECTOR = 16;

/** Places in a header, in words. */
export const NAME_LENGTH = 2;
export const VECTORS_AT = 4;
export const VECTORS = 6;
export const CONTROL_LENGTH = 10;
export const FLAGS = 12;
export const MESSAGE_LENGTH = 14;
export const HEADER_WORDS = HEADER / 4;

/** The length of a vector, in words from the vector's start. */
export const VECTOR_LENGTH = 2;
export const VECTOR_WORDS = VECTOR / 4;

export class MessageHeaders {
  readonly headers: Int32Array;
  readonly vectors: Int32Array;
  /** The messages, SLOT bytes each. */
  readonly slots: Uint8Array;
  /** Held for the sake of the kernel alone: the headers point at them, which no garbage collector sees. */
  readonly names: Uint8Array;
  readonly controls: Uint8Array;
  /** The address of the headers. */
  readonly address: bigint;

  /**
   * @param names where the other side's addresses are, NAME bytes a message
   * @param controls where the control messages are, CONTROL bytes a message
   */
  constructor(libc: Libc, count: number, names: Uint8Array, controls: Uint8Array) {
    this.headers = new Int32Array((HEADER * count) / 4);
    this.vectors = new Int32Array((VECTOR * count) / 4);
    this.slots = new Uint8Array(SLOT * count);
    this.names = names;
    this.controls = controls;
    this.address = libc.address(this.headers);
    const headers = new BigUint64Array(this.headers.buffer);
    const vectors = new BigUint64Array(this.vectors.buffer);
    const [namesAt, vectorsAt, controlsAt, slotsAt] = [names, this.vectors, controls, this.slots].map(
      (memory) => libc.address(memory),
    ) as [bigint, bigint, bigint, bigint];
    for (let i = 0; i < count; i++) {
      const n = BigInt(i);
      headers.set([namesAt + n * BigInt(NAME), 0n, vectorsAt + n * BigInt(VECTOR), 1n], (i * HEADER) / 8);
      headers[(i * HEADER) / 8 + 4] = controlsAt + n * BigInt(CONTROL);
      vectors.set([slotsAt + n * BigInt(SLOT), BigInt(SLOT)], (i * VECTOR) / 8);
    }
  }

  get(message: number, word: number): number {
    return this.headers[message * HEADER_WORDS + word] as number;
  }

  set(message: number, word: number, value: number): void {
    this.headers[message * HEADER_WORDS + word] = value;
  }

  /** How many bytes of its slot a message has. */
  setLength(message: number, length: number): void {
    this.vectors[message * VECTOR_WORDS + VECTOR_LENGTH] = length;
  }
}
