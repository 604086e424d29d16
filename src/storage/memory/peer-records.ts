/**
 * Peers and records: comparing, writing and hashing. A record holds the same bytes as a Peer, at other
 * places, and both are looked at in words of the machine's own order.
 */

import { type AddressFamily, compactPeerLength } from '../../bittorrent/address-family.ts';
import { COMPACT_HALFWORD, type Peer } from '../../bittorrent/peer.ts';
import { halfSipHash } from '../../pkg/half-siphash.ts';
import { NONE } from './hash-index.ts';
import { HEAD_WORDS, ID_WORDS, RECORD_MASK, type RecordSlab, SEEN, segmentOf } from './record-slab.ts';
import type { HashKey } from './store-parts.ts';

export class PeerRecords {
  readonly #slab: RecordSlab;
  readonly #key: HashKey;
  /** Id, compact entry and swarm of a peer, to be hashed; the halfwords are the same memory. */
  readonly #hashed: Int32Array;
  readonly #hashedHalfwords: Uint16Array;

  constructor(family: AddressFamily, slab: RecordSlab, key: HashKey) {
    this.#slab = slab;
    this.#key = key;
    const buffer = new ArrayBuffer(4 * (ID_WORDS + Math.ceil(compactPeerLength(family) / 4) + 1));
    this.#hashed = new Int32Array(buffer);
    this.#hashedHalfwords = new Uint16Array(buffer);
  }

  /** The position of a peer among the first `size` records of a block. The compact entries, which an answer reads anyway, tell most apart. */
  scan(block: number, size: number, peer: Peer): number {
    const { width } = this.#slab;
    const compact = this.#slab.compact[segmentOf(block)] as Uint16Array;
    const last = COMPACT_HALFWORD + width - 1;
    const port = peer.halfwords[last] as number;
    const low = peer.halfwords[last - 1] as number;
    let at = (block & RECORD_MASK) * width + width - 1;
    for (let i = 0; i < size; ) {
      // Four at a time: a new peer, whom nobody is, waits for a look at all.
      if (
        i + 4 <= size &&
        compact[at] !== port &&
        compact[at + width] !== port &&
        compact[at + 2 * width] !== port &&
        compact[at + 3 * width] !== port
      ) {
        i += 4;
        at += 4 * width;
        continue;
      }
      if (compact[at] === port && compact[at - 1] === low && this.matches(block + i, peer)) return i;
      i++;
      at += width;
    }
    return NONE;
  }

  /** Whether a record is the peer's. */
  matches(record: number, peer: Peer): boolean {
    const { width } = this.#slab;
    const compact = this.#slab.compact[segmentOf(record)] as Uint16Array;
    const heads = this.#slab.heads[segmentOf(record)] as Int32Array;
    const at = (record & RECORD_MASK) * width;
    for (let i = 0; i < width; i++)
      if (compact[at + i] !== peer.halfwords[COMPACT_HALFWORD + i]) return false;
    const head = (record & RECORD_MASK) * HEAD_WORDS;
    for (let i = 0; i < ID_WORDS; i++) if (heads[head + i] !== peer.words[i]) return false;
    return true;
  }

  /** Writes a new peer into a record. */
  write(record: number, peer: Peer, second: number): void {
    const { width } = this.#slab;
    const segment = segmentOf(record);
    const at = record & RECORD_MASK;
    const heads = this.#slab.heads[segment] as Int32Array;
    const compact = this.#slab.compact[segment] as Uint16Array;
    for (let i = 0; i < ID_WORDS; i++) heads[at * HEAD_WORDS + i] = peer.words[i] as number;
    for (let i = 0; i < width; i++) compact[at * width + i] = peer.halfwords[COMPACT_HALFWORD + i] as number;
    heads[at * HEAD_WORDS + SEEN] = second;
  }

  /** The hash by which a peer of a swarm is indexed. */
  hashPeer(swarm: number, peer: Peer): number {
    const { width } = this.#slab;
    for (let i = 0; i < ID_WORDS; i++) this.#hashed[i] = peer.words[i] as number;
    for (let i = 0; i < width; i++) {
      this.#hashedHalfwords[2 * ID_WORDS + i] = peer.halfwords[COMPACT_HALFWORD + i] as number;
    }
    return this.#hash(swarm);
  }

  /** The same of the peer in a record. */
  hashRecord(swarm: number, record: number): number {
    const { width } = this.#slab;
    const heads = this.#slab.heads[segmentOf(record)] as Int32Array;
    const compact = this.#slab.compact[segmentOf(record)] as Uint16Array;
    const at = record & RECORD_MASK;
    for (let i = 0; i < ID_WORDS; i++) this.#hashed[i] = heads[at * HEAD_WORDS + i] as number;
    for (let i = 0; i < width; i++)
      this.#hashedHalfwords[2 * ID_WORDS + i] = compact[at * width + i] as number;
    return this.#hash(swarm);
  }

  #hash(swarm: number): number {
    const { length } = this.#hashed;
    this.#hashed[length - 1] = swarm;
    return halfSipHash(this.#key.key0, this.#key.key1, this.#hashed, 0, length);
  }
}
