/**
 * The swarms of one address family: a record of ten words each, found by infohash.
 *
 *   word 0…4  infohash
 *        5,6  seeders, leechers
 *        7    snatches
 *        8    the block its peers lie in, or the directory of its blocks (see swarm-peers.ts);
 *             of a swarm without peers, the second in which the last one left
 *        9    how to read word 8: size class of the last block, and bits of the directory << 8
 *
 * A swarm is named by its record's number. A swarm that loses its last peer is removed, unless it has
 * snatches to remember: those the collector removes, a peer's lifetime later.
 */

import type { Infohash } from '../../bittorrent/infohash.ts';
import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import { halfSipHash } from '../../pkg/half-siphash.ts';
import type { Allocate } from './allocate.ts';
import { HashIndex, NONE } from './hash-index.ts';
import type { IntBlocks } from './int-blocks.ts';

export const SEEDERS = 5;
export const LEECHERS = 6;
export const SNATCHES = 7;
export const PEERS = 8;
export const SHAPE = 9;

const WORDS = 10;
const SEGMENT_BITS = 12;
const SEGMENT_MASK = (1 << SEGMENT_BITS) - 1;
const INFOHASH_WORDS = INFOHASH_LENGTH / 4;

/** Marks a record that no swarm uses; its word 0 names the next such record, plus one. */
const FREE = -1;

/** A page of the index has 2^8 slots: 2 KiB, the least a shard with one swarm takes. */
const PAGE_BITS = 8;

/** Two secret words that keep clients from choosing where things land in hash tables. */
export interface HashKey {
  readonly key0: number;
  readonly key1: number;
}

export class SwarmTable {
  readonly #allocate: Allocate;
  readonly #key: HashKey;
  readonly #shards: number;
  readonly #index: HashIndex;
  readonly #segments: Int32Array[] = [];
  /** Records ever used, and the first free one among them, plus one. */
  #length = 0;
  #free = 0;
  /** The swarm found last: an announce looks for the same one twice. */
  #latest = NONE;

  /** @param shards a power of two */
  constructor(blocks: IntBlocks, shards: number, key: HashKey, allocate: Allocate) {
    this.#allocate = allocate;
    this.#key = key;
    this.#shards = shards;
    this.#index = new HashIndex(blocks, shards, PAGE_BITS);
  }

  /** One above the highest number any swarm has had. */
  get length(): number {
    return this.#length;
  }

  /** Bytes reserved for records. */
  get byteLength(): number {
    return this.#segments.length * ((4 * WORDS) << SEGMENT_BITS);
  }

  /** The words that a swarm's record lies in, from `offsetOf(swarm)` on. */
  words(swarm: number): Int32Array {
    return this.#segments[swarm >>> SEGMENT_BITS] as Int32Array;
  }

  offsetOf(swarm: number): number {
    return (swarm & SEGMENT_MASK) * WORDS;
  }

  get(swarm: number, word: number): number {
    return (this.#segments[swarm >>> SEGMENT_BITS] as Int32Array)[
      (swarm & SEGMENT_MASK) * WORDS + word
    ] as number;
  }

  set(swarm: number, word: number, value: number): void {
    (this.#segments[swarm >>> SEGMENT_BITS] as Int32Array)[(swarm & SEGMENT_MASK) * WORDS + word] = value;
  }

  /** Whether a number below `length` is a swarm's at present. */
  isLive(swarm: number): boolean {
    return this.get(swarm, SHAPE) !== FREE;
  }

  /** The shard of a swarm, where the peers of large swarms are indexed too. */
  shardOf(swarm: number): number {
    return this.#hash(this.words(swarm), this.offsetOf(swarm)) & (this.#shards - 1);
  }

  /** The swarm of an infohash, or NONE. */
  find(infohash: Infohash): number {
    const latest = this.#latest;
    if (latest !== NONE && this.#is(latest, infohash.words)) return latest;
    const hash = this.#hash(infohash.words, 0);
    const shard = hash & (this.#shards - 1);
    let swarm = this.#index.find(shard, hash);
    while (swarm !== NONE && !this.#is(swarm, infohash.words)) swarm = this.#index.next();
    if (swarm !== NONE) this.#latest = swarm;
    return swarm;
  }

  /** Adds a swarm, which must not be there, without peers. NONE if its shard can grow no further. */
  add(infohash: Infohash): number {
    const swarm = this.#takeRecord();
    const words = this.words(swarm);
    const at = this.offsetOf(swarm);
    words.fill(0, at, at + WORDS);
    for (let i = 0; i < INFOHASH_WORDS; i++) words[at + i] = infohash.words[i] as number;
    const hash = this.#hash(infohash.words, 0);
    if (!this.#index.insert(hash & (this.#shards - 1), hash, swarm)) {
      this.#giveRecord(swarm);
      return NONE;
    }
    this.#latest = swarm;
    return swarm;
  }

  /** Removes a swarm, which must be without peers. */
  remove(swarm: number): void {
    const hash = this.#hash(this.words(swarm), this.offsetOf(swarm));
    this.#index.remove(hash & (this.#shards - 1), hash, swarm);
    this.#giveRecord(swarm);
    if (this.#latest === swarm) this.#latest = NONE;
  }

  #hash(words: Int32Array, at: number): number {
    return halfSipHash(this.#key.key0, this.#key.key1, words, at, INFOHASH_WORDS);
  }

  #is(swarm: number, infohash: Int32Array): boolean {
    const words = this.words(swarm);
    const at = this.offsetOf(swarm);
    return (
      words[at] === infohash[0] &&
      words[at + 1] === infohash[1] &&
      words[at + 2] === infohash[2] &&
      words[at + 3] === infohash[3] &&
      words[at + 4] === infohash[4]
    );
  }

  #takeRecord(): number {
    if (this.#free !== 0) {
      const swarm = this.#free - 1;
      this.#free = this.get(swarm, 0);
      return swarm;
    }
    if ((this.#length & SEGMENT_MASK) === 0 && this.#length >>> SEGMENT_BITS === this.#segments.length) {
      this.#segments.push(new Int32Array(this.#allocate((4 * WORDS) << SEGMENT_BITS)));
    }
    return this.#length++;
  }

  #giveRecord(swarm: number): void {
    this.set(swarm, SHAPE, FREE);
    this.set(swarm, 0, this.#free);
    this.#free = swarm + 1;
  }
}
