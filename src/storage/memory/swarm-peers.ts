/**
 * The peers of a swarm: one sequence, seeders first, then leechers, so that either kind is a range of
 * positions and a random one is a random number.
 *
 *     0            seeders               seeders + leechers
 *     |  seeders   |      leechers       |
 *
 * Up to 128 peers lie in one block of the slab, whose size grows and shrinks with them, and are found
 * by looking at each. A larger swarm has a directory of full blocks (the last one of any size), and its
 * peers are found through a hash index from peer to position.
 *
 *   position p of a large swarm  →  record  directory[p >> 7] + (p & 127)
 *
 * Adding and removing keep the sequence dense by moving at most two peers, whatever the swarm's size.
 */

import { type AddressFamily, compactPeerLength } from '../../bittorrent/address-family.ts';
import { COMPACT_OFFSET, type Peer } from '../../bittorrent/peer.ts';
import { halfSipHash } from '../../pkg/half-siphash.ts';
import type { Allocate } from './allocate.ts';
import { HashIndex, NONE } from './hash-index.ts';
import { IntBlocks, MAX_BLOCK_BITS, offsetOf } from './int-blocks.ts';
import {
  CAPACITIES,
  FULL_BITS,
  FULL_CLASS,
  ID_WORDS,
  RECORD_MASK,
  RecordSlab,
  segmentOf,
} from './record-slab.ts';
import { type HashKey, LEECHERS, PEERS, SEEDERS, SHAPE, SNATCHES, SwarmTable } from './swarm-table.ts';

const FULL = 1 << FULL_BITS;
const FULL_MASK = FULL - 1;

/** A large swarm becomes a small one again at this size: below FULL, so that one peer's coming and going does not rebuild it each time. */
const SMALL_AGAIN = 96;

/** A block is exchanged for a smaller one when a quarter of it is in use: four size classes down, to two. */
const SHRINK_AT = 4;
const SHRINK_BY = 2;

/** The least directory, 2^4 blocks, and the size class that a large swarm's last block begins with. */
const MIN_DIRECTORY_BITS = 4;
const NEXT_CLASS = CAPACITIES.indexOf(8);

/** A page of the index has 2^10 slots. Only shards with a large swarm have any. */
const PAGE_BITS = 10;

/** In a record's `seen`, above the 31 bits of the time: its snatch has been counted. */
const SNATCHED = 0x80000000 | 0;
const TIME = 0x7fffffff;

const COMPACT_HALFWORD = COMPACT_OFFSET / 2;

export class SwarmPeers {
  readonly swarms: SwarmTable;
  readonly slab: RecordSlab;
  readonly #blocks: IntBlocks;
  readonly #index: HashIndex;
  readonly #key: HashKey;
  /** Id, compact entry and swarm of a peer, to be hashed; the halfwords are the same memory. */
  readonly #hashed: Int32Array;
  readonly #hashedHalfwords: Uint16Array;
  /** Seeders and leechers in all swarms, and swarms that have any. */
  seeders = 0;
  leechers = 0;
  populated = 0;

  /** @param shards a power of two */
  constructor(family: AddressFamily, shards: number, key: HashKey, allocate: Allocate) {
    this.#blocks = new IntBlocks(allocate);
    this.#key = key;
    this.swarms = new SwarmTable(this.#blocks, shards, key, allocate);
    this.slab = new RecordSlab(family, allocate);
    this.#index = new HashIndex(this.#blocks, shards, PAGE_BITS);
    const buffer = new ArrayBuffer(4 * (ID_WORDS + Math.ceil(compactPeerLength(family) / 4) + 1));
    this.#hashed = new Int32Array(buffer);
    this.#hashedHalfwords = new Uint16Array(buffer);
  }

  /** Bytes reserved. */
  get byteLength(): number {
    return this.#blocks.byteLength + this.swarms.byteLength + this.slab.byteLength;
  }

  size(swarm: number): number {
    return this.swarms.get(swarm, SEEDERS) + this.swarms.get(swarm, LEECHERS);
  }

  /** The record of the peer at a position. */
  recordAt(swarm: number, position: number): number {
    const peers = this.swarms.get(swarm, PEERS);
    if (this.swarms.get(swarm, SHAPE) < 256) return peers + position;
    const block = this.#blocks.words(peers)[offsetOf(peers) + (position >>> FULL_BITS)] as number;
    return block + (position & FULL_MASK);
  }

  /** Where in the swarm a peer is, or NONE. */
  find(swarm: number, peer: Peer): number {
    const size = this.size(swarm);
    if (this.swarms.get(swarm, SHAPE) < 256) return this.#scan(this.swarms.get(swarm, PEERS), size, peer);
    const shard = this.swarms.shardOf(swarm);
    let position = this.#index.find(shard, this.#hashPeer(swarm, peer));
    while (position !== NONE) {
      if (position < size && this.#isAt(this.recordAt(swarm, position), peer)) return position;
      position = this.#index.next();
    }
    return NONE;
  }

  /** When a peer announced last, in the seconds it was stored with. */
  lastSeen(swarm: number, position: number): number {
    const record = this.recordAt(swarm, position);
    return ((this.slab.seen[segmentOf(record)] as Int32Array)[record & RECORD_MASK] as number) & TIME;
  }

  /** Notes when a peer announced. */
  touch(swarm: number, position: number, second: number): void {
    const record = this.recordAt(swarm, position);
    const seen = this.slab.seen[segmentOf(record)] as Int32Array;
    seen[record & RECORD_MASK] = ((seen[record & RECORD_MASK] as number) & SNATCHED) | second;
  }

  /** Counts a snatch of the peer at a position, if it is the peer's first. */
  snatch(swarm: number, position: number): void {
    const record = this.recordAt(swarm, position);
    const seen = this.slab.seen[segmentOf(record)] as Int32Array;
    if ((seen[record & RECORD_MASK] as number) < 0) return;
    seen[record & RECORD_MASK] = (seen[record & RECORD_MASK] as number) | SNATCHED;
    this.swarms.set(swarm, SNATCHES, this.swarms.get(swarm, SNATCHES) + 1);
  }

  /**
   * Adds a peer that is not in the swarm. Returns its position, or NONE if the swarm can grow no further.
   */
  add(swarm: number, peer: Peer, seeder: boolean, second: number): number {
    const seeders = this.swarms.get(swarm, SEEDERS);
    const leechers = this.swarms.get(swarm, LEECHERS);
    const size = seeders + leechers;
    if (!this.#grow(swarm, size)) return NONE;
    let position = size;
    if (seeder && leechers > 0) {
      this.#move(swarm, seeders, size);
      position = seeders;
    }
    const record = this.recordAt(swarm, position);
    this.#write(record, peer, second);
    if (this.swarms.get(swarm, SHAPE) >= 256) {
      const shard = this.swarms.shardOf(swarm);
      if (!this.#index.insert(shard, this.#hashPeer(swarm, peer), position)) {
        if (position !== size) this.#move(swarm, size, seeders);
        this.#shrink(swarm, size);
        return NONE;
      }
    }
    if (size === 0) this.populated++;
    this.#count(swarm, seeder ? 1 : 0, seeder ? 0 : 1);
    return position;
  }

  /** Removes the peer at a position, at the time `second`; positions behind it may have changed afterwards. */
  remove(swarm: number, position: number, second: number): void {
    const seeders = this.swarms.get(swarm, SEEDERS);
    const leechers = this.swarms.get(swarm, LEECHERS);
    const last = seeders + leechers - 1;
    const seeder = position < seeders;
    if (this.swarms.get(swarm, SHAPE) >= 256) {
      this.#index.remove(
        this.swarms.shardOf(swarm),
        this.#hashRecord(swarm, this.recordAt(swarm, position)),
        position,
      );
    }
    let hole = position;
    if (seeder && leechers > 0) {
      if (hole !== seeders - 1) this.#move(swarm, seeders - 1, hole);
      hole = seeders - 1;
    }
    if (hole !== last) this.#move(swarm, last, hole);
    this.#count(swarm, seeder ? -1 : 0, seeder ? 0 : -1);
    this.#shrink(swarm, last);
    if (last === 0) {
      this.populated--;
      if (this.swarms.get(swarm, SNATCHES) === 0) this.swarms.remove(swarm);
      else this.swarms.set(swarm, PEERS, second);
    }
  }

  /** Makes the peer at a position a seeder or a leecher. Returns its new position. */
  setSeeder(swarm: number, position: number, seeder: boolean): number {
    const seeders = this.swarms.get(swarm, SEEDERS);
    if (position < seeders === seeder) return position;
    // The two kinds meet at the border: the peer changes places with its neighbour there.
    const border = seeder ? seeders : seeders - 1;
    if (position !== border) this.#swap(swarm, position, border);
    this.#count(swarm, seeder ? 1 : -1, seeder ? -1 : 1);
    return border;
  }

  #count(swarm: number, seeders: number, leechers: number): void {
    this.swarms.set(swarm, SEEDERS, this.swarms.get(swarm, SEEDERS) + seeders);
    this.swarms.set(swarm, LEECHERS, this.swarms.get(swarm, LEECHERS) + leechers);
    this.seeders += seeders;
    this.leechers += leechers;
  }

  /** The position of a peer among the first `size` records of a block. The compact entries, which an answer reads anyway, tell most apart. */
  #scan(block: number, size: number, peer: Peer): number {
    const { width } = this.slab;
    const compact = this.slab.compact[segmentOf(block)] as Uint16Array;
    const last = COMPACT_HALFWORD + width - 1;
    const port = peer.halfwords[last] as number;
    const low = peer.halfwords[last - 1] as number;
    let at = (block & RECORD_MASK) * width + width - 1;
    for (let i = 0; i < size; i++, at += width) {
      if (compact[at] === port && compact[at - 1] === low && this.#isAt(block + i, peer)) return i;
    }
    return NONE;
  }

  #isAt(record: number, peer: Peer): boolean {
    const { width } = this.slab;
    const compact = this.slab.compact[segmentOf(record)] as Uint16Array;
    const ids = this.slab.ids[segmentOf(record)] as Int32Array;
    const at = (record & RECORD_MASK) * width;
    for (let i = 0; i < width; i++)
      if (compact[at + i] !== peer.halfwords[COMPACT_HALFWORD + i]) return false;
    const id = (record & RECORD_MASK) * ID_WORDS;
    for (let i = 0; i < ID_WORDS; i++) if (ids[id + i] !== peer.words[i]) return false;
    return true;
  }

  #write(record: number, peer: Peer, second: number): void {
    const { width } = this.slab;
    const segment = segmentOf(record);
    const at = record & RECORD_MASK;
    const ids = this.slab.ids[segment] as Int32Array;
    const compact = this.slab.compact[segment] as Uint16Array;
    for (let i = 0; i < ID_WORDS; i++) ids[at * ID_WORDS + i] = peer.words[i] as number;
    for (let i = 0; i < width; i++) compact[at * width + i] = peer.halfwords[COMPACT_HALFWORD + i] as number;
    (this.slab.seen[segment] as Int32Array)[at] = second;
  }

  #hashPeer(swarm: number, peer: Peer): number {
    const { width } = this.slab;
    for (let i = 0; i < ID_WORDS; i++) this.#hashed[i] = peer.words[i] as number;
    for (let i = 0; i < width; i++) {
      this.#hashedHalfwords[2 * ID_WORDS + i] = peer.halfwords[COMPACT_HALFWORD + i] as number;
    }
    return this.#hash(swarm);
  }

  #hashRecord(swarm: number, record: number): number {
    const { width } = this.slab;
    const ids = this.slab.ids[segmentOf(record)] as Int32Array;
    const compact = this.slab.compact[segmentOf(record)] as Uint16Array;
    const at = record & RECORD_MASK;
    for (let i = 0; i < ID_WORDS; i++) this.#hashed[i] = ids[at * ID_WORDS + i] as number;
    for (let i = 0; i < width; i++)
      this.#hashedHalfwords[2 * ID_WORDS + i] = compact[at * width + i] as number;
    return this.#hash(swarm);
  }

  #hash(swarm: number): number {
    const { length } = this.#hashed;
    this.#hashed[length - 1] = swarm;
    return halfSipHash(this.#key.key0, this.#key.key1, this.#hashed, 0, length);
  }

  /** Moves the peer at `from` to `to`, whose own peer is forgotten. */
  #move(swarm: number, from: number, to: number): void {
    const source = this.recordAt(swarm, from);
    if (this.swarms.get(swarm, SHAPE) >= 256) {
      this.#index.replace(this.swarms.shardOf(swarm), this.#hashRecord(swarm, source), from, to);
    }
    this.slab.copyOne(source, this.recordAt(swarm, to));
  }

  #swap(swarm: number, a: number, b: number): void {
    const first = this.recordAt(swarm, a);
    const second = this.recordAt(swarm, b);
    if (this.swarms.get(swarm, SHAPE) >= 256) {
      const shard = this.swarms.shardOf(swarm);
      this.#index.replace(shard, this.#hashRecord(swarm, first), a, b);
      this.#index.replace(shard, this.#hashRecord(swarm, second), b, a);
    }
    this.slab.swap(first, second);
  }

  /** Makes room for one peer more than `size`. Returns false, and changes nothing, if there can be none. */
  #grow(swarm: number, size: number): boolean {
    const { slab, swarms } = this;
    const shape = swarms.get(swarm, SHAPE);
    if (size === 0) {
      swarms.set(swarm, PEERS, slab.alloc(0));
      swarms.set(swarm, SHAPE, 0);
      return true;
    }
    if (shape === FULL_CLASS && size === FULL) {
      if (!this.#enlarge(swarm)) return false;
    }
    const used = ((size - 1) & FULL_MASK) + 1;
    if (used === FULL) return this.#addBlock(swarm, size >>> FULL_BITS);
    const sizeClass = shape & 255;
    if (used === CAPACITIES[sizeClass]) this.#resizeLast(swarm, size, sizeClass + 1);
    return true;
  }

  /** Gives back what a swarm that has come down to `size` peers no longer needs. */
  #shrink(swarm: number, size: number): void {
    const { slab, swarms } = this;
    if (swarms.get(swarm, SHAPE) >= 256 && (size & FULL_MASK) === 0) {
      slab.free(this.recordAt(swarm, size), swarms.get(swarm, SHAPE) & 255);
      swarms.set(swarm, SHAPE, (swarms.get(swarm, SHAPE) & ~255) | FULL_CLASS);
    } else if (size === 0) {
      slab.free(swarms.get(swarm, PEERS), swarms.get(swarm, SHAPE));
      swarms.set(swarm, SHAPE, 0);
    } else {
      const sizeClass = swarms.get(swarm, SHAPE) & 255;
      const used = ((size - 1) & FULL_MASK) + 1;
      if (sizeClass >= SHRINK_AT && used <= (CAPACITIES[sizeClass - SHRINK_AT] as number)) {
        this.#resizeLast(swarm, size, sizeClass - SHRINK_BY);
      }
    }
    if (size === SMALL_AGAIN && swarms.get(swarm, SHAPE) >= 256) this.#reduce(swarm, size);
  }

  /** Moves the last block's peers to a block of another size class. */
  #resizeLast(swarm: number, size: number, sizeClass: number): void {
    const { slab, swarms } = this;
    const shape = swarms.get(swarm, SHAPE);
    const first = (size - 1) & ~FULL_MASK;
    const old = this.recordAt(swarm, first);
    const block = slab.alloc(sizeClass);
    slab.copy(old, block, size - first);
    slab.free(old, shape & 255);
    const peers = swarms.get(swarm, PEERS);
    if (shape < 256) swarms.set(swarm, PEERS, block);
    else this.#blocks.words(peers)[offsetOf(peers) + (first >>> FULL_BITS)] = block;
    swarms.set(swarm, SHAPE, (shape & ~255) | sizeClass);
  }

  /** Appends a block to a large swarm that has `blocks` full ones, in a larger directory if need be. */
  #addBlock(swarm: number, blocks: number): boolean {
    const { slab, swarms } = this;
    const bits = swarms.get(swarm, SHAPE) >>> 8;
    let directory = swarms.get(swarm, PEERS);
    if (blocks === 1 << bits) {
      if (bits === MAX_BLOCK_BITS) return false;
      const old = directory;
      directory = this.#blocks.alloc(bits + 1);
      const from = this.#blocks.words(old);
      const to = this.#blocks.words(directory);
      for (let i = 0; i < blocks; i++) to[offsetOf(directory) + i] = from[offsetOf(old) + i] as number;
      this.#blocks.free(old, bits);
      swarms.set(swarm, PEERS, directory);
      swarms.set(swarm, SHAPE, ((bits + 1) << 8) | FULL_CLASS);
    }
    this.#blocks.words(directory)[offsetOf(directory) + blocks] = slab.alloc(NEXT_CLASS);
    swarms.set(swarm, SHAPE, (swarms.get(swarm, SHAPE) & ~255) | NEXT_CLASS);
    return true;
  }

  /** Makes a small swarm of FULL peers a large one: its block goes into a directory, its peers into the index. */
  #enlarge(swarm: number): boolean {
    const { swarms } = this;
    const block = swarms.get(swarm, PEERS);
    const shard = swarms.shardOf(swarm);
    for (let i = 0; i < FULL; i++) {
      if (this.#index.insert(shard, this.#hashRecord(swarm, block + i), i)) continue;
      for (let j = 0; j < i; j++) this.#index.remove(shard, this.#hashRecord(swarm, block + j), j);
      return false;
    }
    const directory = this.#blocks.alloc(MIN_DIRECTORY_BITS);
    this.#blocks.words(directory)[offsetOf(directory)] = block;
    swarms.set(swarm, PEERS, directory);
    swarms.set(swarm, SHAPE, (MIN_DIRECTORY_BITS << 8) | FULL_CLASS);
    return true;
  }

  /** The reverse of `#enlarge`, for `size` peers in one block. */
  #reduce(swarm: number, size: number): void {
    const { swarms } = this;
    const shard = swarms.shardOf(swarm);
    const shape = swarms.get(swarm, SHAPE);
    const directory = swarms.get(swarm, PEERS);
    const block = this.recordAt(swarm, 0);
    for (let i = 0; i < size; i++) this.#index.remove(shard, this.#hashRecord(swarm, block + i), i);
    this.#blocks.free(directory, shape >>> 8);
    swarms.set(swarm, PEERS, block);
    swarms.set(swarm, SHAPE, shape & 255);
  }
}
