/**
 * The peers of an answer, in compact form (BEP 23, BEP 7): 6 or 18 bytes each, network order.
 *
 * A store copies bytes straight into the memory the list points at, which for UDP is the datagram
 * itself. Peer ids are copied beside them only if somebody asked (`includeIds`): the non-compact HTTP
 * answer, or a hook. Objects are made by `at` and by iteration alone.
 */

import { formatIp } from '../pkg/ip-address.ts';
import { AddressFamily, addressLength, compactPeerLength } from './address-family.ts';
import { COMPACT_OFFSET, PEER_ID_LENGTH, type Peer } from './peer.ts';

/** A peer as an object, for consumers that need one. */
export interface PeerEntry {
  /** 20 bytes; absent where the list was filled without ids. */
  readonly id: Uint8Array | undefined;
  readonly address: string;
  readonly port: number;
}

export class PeerList {
  family: AddressFamily = AddressFamily.IPv4;
  /** How many peers are in the list. */
  count = 0;
  /** Set by a frontend or a PreHook before the list is filled. */
  includeIds = false;
  /** The memory written to, as bytes and as halfwords, and where in it the list begins (an even byte). */
  bytes: Uint8Array;
  halfwords: Uint16Array;
  start = 0;
  /** 20 bytes a peer, in the order of the list; grown on demand. */
  ids = new Uint8Array(0);
  #limit: number;

  /** A list with memory of its own for `capacity` peers of either family. */
  constructor(capacity = 0) {
    const buffer = new ArrayBuffer(capacity * 18);
    this.bytes = new Uint8Array(buffer);
    this.halfwords = new Uint16Array(buffer);
    this.#limit = buffer.byteLength;
  }

  /** Points the list at `limit` bytes of somebody else's memory, from the even byte `start` on. */
  target(bytes: Uint8Array, halfwords: Uint16Array, start: number, limit: number): void {
    this.bytes = bytes;
    this.halfwords = halfwords;
    this.start = start;
    this.#limit = limit;
  }

  /** Empties the list for peers of `family`. */
  reset(family: AddressFamily): void {
    this.family = family;
    this.count = 0;
    this.includeIds = false;
  }

  /** How many peers fit, those that are in it included. */
  get capacity(): number {
    return (this.#limit / compactPeerLength(this.family)) | 0;
  }

  /** Bytes of the compact form so far. */
  get byteLength(): number {
    return this.count * compactPeerLength(this.family);
  }

  /** Makes room for `count` ids; a store calls it before it writes ids. */
  reserveIds(count: number): void {
    if (this.ids.length >= count * PEER_ID_LENGTH) return;
    const ids = new Uint8Array(count * PEER_ID_LENGTH);
    ids.set(this.ids);
    this.ids = ids;
  }

  /** Appends a peer of the list's family. Returns false, and does nothing, if the list is full. */
  add(peer: Peer): boolean {
    if (this.count >= this.capacity) return false;
    const length = compactPeerLength(this.family);
    const at = this.start + this.count * length;
    for (let i = 0; i < length; i++) this.bytes[at + i] = peer.bytes[COMPACT_OFFSET + i] as number;
    if (this.includeIds) {
      this.reserveIds(this.count + 1);
      this.ids.set(peer.id, this.count * PEER_ID_LENGTH);
    }
    this.count++;
    return true;
  }

  /** The peer at `index`, as an object with copies of its own. */
  at(index: number): PeerEntry {
    if (index < 0 || index >= this.count) throw new RangeError(`no peer ${index} in a list of ${this.count}`);
    const length = addressLength(this.family);
    const at = this.start + index * (length + 2);
    return {
      id: this.includeIds ? this.ids.slice(index * PEER_ID_LENGTH, (index + 1) * PEER_ID_LENGTH) : undefined,
      address: formatIp(this.bytes, at, length),
      port: ((this.bytes[at + length] as number) << 8) | (this.bytes[at + length + 1] as number),
    };
  }

  *[Symbol.iterator](): IterableIterator<PeerEntry> {
    for (let i = 0; i < this.count; i++) yield this.at(i);
  }
}
