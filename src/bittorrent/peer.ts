/**
 * A peer as bytes: the triple of peer id, address and port that names one member of a swarm.
 *
 *      0                  20              24|36     26|38
 *      +------------------+----------------+----------+
 *      |  peer id (20)    | address (4|16) | port (2) |
 *      +------------------+----------------+----------+
 *                         '--- compact form (BEP 23, BEP 7), network order ---'
 *
 * One Peer belongs to one request object and is overwritten by that object's next request.
 */

import { formatIp, isMapped } from '../pkg/ip-address.ts';
import { AddressFamily, addressLength } from './address-family.ts';

export const PEER_ID_LENGTH = 20;
export const INFOHASH_LENGTH = 20;

/** Where the compact form begins in `Peer.bytes`, and in `Peer.halfwords`. */
export const COMPACT_OFFSET = 20;
export const COMPACT_HALFWORD = COMPACT_OFFSET / 2;

export class Peer {
  /** 40 bytes, laid out as above; those after the port mean nothing. */
  readonly bytes: Uint8Array;
  /** The same memory as native-endian words and halfwords, for stores that compare and copy. */
  readonly words: Int32Array;
  readonly halfwords: Uint16Array;
  /** The 20 bytes of the peer id, a view. */
  readonly id: Uint8Array;
  family: AddressFamily = AddressFamily.IPv4;

  constructor() {
    const buffer = new ArrayBuffer(40);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.halfwords = new Uint16Array(buffer);
    this.id = this.bytes.subarray(0, PEER_ID_LENGTH);
  }

  /** 1 to 65535. Set the address first: the port's place depends on the family. */
  get port(): number {
    const at = COMPACT_OFFSET + addressLength(this.family);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  set port(port: number) {
    const at = COMPACT_OFFSET + addressLength(this.family);
    this.bytes[at] = port >>> 8;
    this.bytes[at + 1] = port;
  }

  /** The 4 or 16 bytes of the address, a view made anew at each call: not for the hot path. */
  get addressBytes(): Uint8Array {
    return this.bytes.subarray(COMPACT_OFFSET, COMPACT_OFFSET + addressLength(this.family));
  }

  /** The address as text (RFC 5952 for IPv6). Formats a string: not for the hot path. */
  get address(): string {
    return formatIp(this.bytes, COMPACT_OFFSET, addressLength(this.family));
  }

  /**
   * Takes the address from `source`, and so the family. An IPv4-mapped IPv6 address
   * (`::ffff:a.b.c.d`) is IPv4. The port must be set afterwards.
   *
   * @param length 4 or 16
   */
  setAddress(source: Uint8Array, offset: number, length: number): void {
    const { bytes } = this;
    if (length === 16 && !isMapped(source, offset)) {
      for (let i = 0; i < 16; i++) bytes[COMPACT_OFFSET + i] = source[offset + i] as number;
      this.family = AddressFamily.IPv6;
      return;
    }
    const from = offset + length - 4;
    bytes[COMPACT_OFFSET] = source[from] as number;
    bytes[COMPACT_OFFSET + 1] = source[from + 1] as number;
    bytes[COMPACT_OFFSET + 2] = source[from + 2] as number;
    bytes[COMPACT_OFFSET + 3] = source[from + 3] as number;
    this.family = AddressFamily.IPv4;
  }

  setId(source: Uint8Array, offset: number): void {
    const { bytes } = this;
    for (let i = 0; i < PEER_ID_LENGTH; i++) bytes[i] = source[offset + i] as number;
  }

  /** Takes the id from the five words at `at`, as they lie in memory. */
  setIdWords(source: Int32Array, at: number): void {
    const { words } = this;
    words[0] = source[at] as number;
    words[1] = source[at + 1] as number;
    words[2] = source[at + 2] as number;
    words[3] = source[at + 3] as number;
    words[4] = source[at + 4] as number;
  }
}
