/**
 * Copies the swarms of one family into blocks, a little at a time, while they go on changing.
 *
 * Each swarm is copied under the lock of its shard: at once, or, if it has more peers than one entry takes, in
 * pieces, with the lock let go in between. What moves meanwhile is told by the swarm's CopyCursor. So a peer
 * that is there all the while is copied, once or, if it moves the wrong way, twice.
 */

import { SHARD_LOCKS } from '../areas.ts';
import { NONE } from '../hash-index.ts';
import type { NoLocks } from '../locks.ts';
import { HEAD_WORDS, ID_WORDS, RECORD_MASK, segmentOf } from '../record-slab.ts';
import { EPOCH } from '../seconds.ts';
import type { SwarmPeers } from '../swarm-peers.ts';
import { INFOHASH_WORDS, PEERS, SEEDERS, SNATCHES } from '../swarm-table.ts';
import type { Block } from './block.ts';
import {
  COMPACT_AT,
  EMPTIED_AT,
  ENTRY_BYTES,
  flagsAt,
  HEARD_AT,
  PEERS_AT,
  peerBytes,
  SEEDER,
  SNATCHED,
  SNATCHES_AT,
} from './format.ts';

/** Most peers of an entry, and of a swarm that is copied at once: a lock is held for a few microseconds. */
const PIECE = 128;

/** How many swarms and peers are copied between two looks at the time. */
const STEP = 128;

/** What `slice` ended for. */
export type Pause = 'time' | 'room' | 'end';

export class SwarmCopy {
  entries = 0;
  copied = 0;
  readonly #peers: SwarmPeers;
  readonly #locks: NoLocks;
  readonly #peerBytes: number;
  readonly #flagsAt: number;
  readonly #most: number;
  #swarm = 0;
  /** Whether an earlier piece of the swarm has been copied, and the swarm's infohash. */
  #begun = false;
  readonly #infohash = new Int32Array(INFOHASH_WORDS);

  constructor(peers: SwarmPeers, locks: NoLocks) {
    this.#peers = peers;
    this.#locks = locks;
    this.#peerBytes = peerBytes(peers.family);
    this.#flagsAt = flagsAt(peers.family);
    this.#most = ENTRY_BYTES + PIECE * this.#peerBytes;
  }

  /** Copies until it is `deadline` (of `performance.now`), the block is full, or every swarm has been copied. */
  slice(block: Block, deadline: number): Pause {
    const { swarms } = this.#peers;
    do {
      for (let budget = STEP; budget > 0; budget--) {
        if (this.#swarm === swarms.length) return 'end';
        if (!block.hasRoom(this.#most)) return 'room';
        if (swarms.isLive(this.#swarm)) budget -= this.#copy(block);
        else this.#goOn();
      }
    } while (performance.now() < deadline);
    return 'time';
  }

  /** Lets go of a swarm that was not copied to its end. */
  close(): void {
    this.#peers.copy.end();
  }

  /** Copies the current swarm, or a piece of it. Returns how many peers that were. */
  #copy(block: Block): number {
    const { swarms } = this.#peers;
    // Another thread may give the record to another swarm as long as its shard is not locked.
    const shard = swarms.shardOf(this.#swarm);
    this.#locks.acquire(SHARD_LOCKS + shard);
    try {
      if (!swarms.isLive(this.#swarm) || swarms.shardOf(this.#swarm) !== shard) return this.#goOn();
      return this.#copyLocked(block);
    } finally {
      this.#locks.release(SHARD_LOCKS + shard);
    }
  }

  #copyLocked(block: Block): number {
    const swarm = this.#swarm;
    const size = this.#peers.size(swarm);
    // A swarm that has come to this place since the last piece is a new one.
    if (this.#begun && !this.#isTheSame()) return this.#goOn();
    if (!this.#begun && size <= PIECE) {
      const at = block.end;
      this.#open(block);
      for (let position = 0; position < size; position++) this.#write(block, position);
      this.#finish(block, at, size);
      this.#goOn();
      return size;
    }
    return this.#copyPiece(block, size);
  }

  #copyPiece(block: Block, size: number): number {
    const { copy } = this.#peers;
    if (!this.#begun) this.#begin();
    const at = block.end;
    this.#open(block);
    let count = 0;
    let position = 0;
    while (count < PIECE) {
      position = copy.next(size);
      if (position === NONE) break;
      this.#write(block, position);
      count++;
    }
    this.#finish(block, at, count);
    if (position === NONE) this.#goOn();
    return count;
  }

  #begin(): void {
    const { swarms, copy } = this.#peers;
    copy.begin(this.#swarm);
    this.#begun = true;
    const words = swarms.words(this.#swarm);
    const at = swarms.offsetOf(this.#swarm);
    for (let i = 0; i < INFOHASH_WORDS; i++) this.#infohash[i] = words[at + i] as number;
  }

  #isTheSame(): boolean {
    const { swarms } = this.#peers;
    for (let i = 0; i < INFOHASH_WORDS; i++) {
      if (swarms.get(this.#swarm, i) !== this.#infohash[i]) return false;
    }
    return true;
  }

  /** To the next swarm. Returns 0: no peer of this one was copied. */
  #goOn(): number {
    if (this.#begun) this.#peers.copy.end();
    this.#begun = false;
    this.#swarm++;
    return 0;
  }

  #open(block: Block): void {
    const { swarms } = this.#peers;
    const at = block.end;
    for (let i = 0; i < INFOHASH_WORDS; i++) block.words[(at >>> 2) + i] = swarms.get(this.#swarm, i);
    block.setNumber(at + SNATCHES_AT, swarms.get(this.#swarm, SNATCHES));
    const isEmpty = this.#peers.size(this.#swarm) === 0;
    block.setNumber(at + EMPTIED_AT, isEmpty ? EPOCH + swarms.get(this.#swarm, PEERS) : 0);
    block.end = at + ENTRY_BYTES;
  }

  #finish(block: Block, at: number, count: number): void {
    block.setNumber(at + PEERS_AT, count);
    this.entries++;
    this.copied += count;
  }

  #write(block: Block, position: number): void {
    const peers = this.#peers;
    const { slab } = peers;
    const swarm = this.#swarm;
    const at = block.end;
    const record = peers.recordAt(swarm, position);
    const heads = slab.heads[segmentOf(record)] as Int32Array;
    const compact = slab.compact[segmentOf(record)] as Uint16Array;
    const head = (record & RECORD_MASK) * HEAD_WORDS;
    for (let i = 0; i < ID_WORDS; i++) block.words[(at >>> 2) + i] = heads[head + i] as number;
    block.setNumber(at + HEARD_AT, EPOCH + peers.lastSeen(swarm, position));
    const entry = (record & RECORD_MASK) * slab.width;
    const to = (at + COMPACT_AT) >>> 1;
    for (let i = 0; i < slab.width; i++) block.halfwords[to + i] = compact[entry + i] as number;
    const isSeeder = position < peers.swarms.get(swarm, SEEDERS);
    const flags = (isSeeder ? SEEDER : 0) | (peers.hasSnatched(swarm, position) ? SNATCHED : 0);
    block.bytes[at + this.#flagsAt] = flags;
    block.bytes[at + this.#flagsAt + 1] = 0;
    block.end = at + this.#peerBytes;
  }
}
