/**
 * The swarms of one address family: a record of 16 words each, found by infohash.
 *
 *   word 0…4  infohash
 *        5,6  seeders, leechers
 *        7    snatches
 *        8    the block its peers lie in, or the directory of its blocks (see swarm-peers.ts);
 *             of a swarm without peers, the second in which the last one left
 *        9    LIVE, and how to read word 8: size class of the last block, bits of the directory << 8
 *        10   hash of the infohash
 *        11   peers ever added to this record's swarms: unlike the rest it goes on when the record is used again
 *
 * The other four are there so that a swarm is one cache line; without them most would lie in two.
 *
 * A swarm is named by its record's number. A swarm that loses its last peer is removed, unless it has
 * snatches to remember: those the collector removes, a peer's lifetime later.
 */

import type { AddressFamily } from '../../bittorrent/address-family.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import { halfSipHash } from '../../pkg/half-siphash.ts';
import { Area, areaOf } from './areas.ts';
import { HashIndex, NONE } from './hash-index.ts';
import type { IntBlocks } from './int-blocks.ts';
import type { Limits } from './limits.ts';
import type { NoLocks } from './locks.ts';
import type { StoreMemory } from './store-memory.ts';
import type { HashKey, StoreParts } from './store-parts.ts';

export const SEEDERS = 5;
export const LEECHERS = 6;
export const SNATCHES = 7;
export const PEERS = 8;
export const SHAPE = 9;
const HASH = 10;
export const ADDED = 11;

const WORDS = 16;
export const SWARM_BYTES = 4 * WORDS;
const SEGMENT_BITS = 12;
const SEGMENT_MASK = (1 << SEGMENT_BITS) - 1;
export const INFOHASH_WORDS = INFOHASH_LENGTH / 4;

/** In SHAPE: a swarm has this record. Set last and cleared first, for those who look without the lock. */
export const LIVE = 0x10000;

/** SHAPE of a record that no swarm has; its word 0 names the next such record, plus one. */
const FREE = 0;

/** A page of the index has 2^8 slots: 2 KiB, the least a shard with one swarm takes. */
const PAGE_BITS = 8;

/** Words of the state: records ever used, and the first free one among them, plus one. */
const LENGTH = 0;
const FIRST_FREE = 1;

export class SwarmTable {
  readonly #memory: StoreMemory;
  readonly #locks: NoLocks;
  /** Of its area, its pool and its lock. */
  readonly #id: number;
  readonly #limits: Limits;
  readonly #key: HashKey;
  readonly #shards: number;
  readonly #index: HashIndex;
  readonly #state: Int32Array;
  readonly #segments: Int32Array[] = [];
  /** The infohash asked for last, its hash, and its swarm: an announce looks for the same one several times. */
  readonly #infohash = new Int32Array(INFOHASH_WORDS);
  #hash: number;
  #latest = NONE;

  constructor(family: AddressFamily, { memory, locks, limits, shards, key }: StoreParts, blocks: IntBlocks) {
    this.#memory = memory;
    this.#locks = locks;
    this.#limits = limits;
    this.#id = areaOf(family, Area.Swarms);
    this.#key = key;
    this.#shards = shards;
    this.#state = memory.area(this.#id, 2);
    const indexState = memory.area(areaOf(family, Area.SwarmIndex), HashIndex.wordsFor(shards));
    this.#index = new HashIndex(blocks, indexState, PAGE_BITS);
    this.#hash = this.#hashOf(this.#infohash);
    memory.openPool(this.#id, (4 * WORDS) << SEGMENT_BITS, (buffer) =>
      this.#segments.push(new Int32Array(buffer)),
    );
  }

  /** One above the highest number any swarm has had. May be asked without a lock. */
  get length(): number {
    const length = this.#state[LENGTH] as number;
    this.#memory.catchUp();
    return length;
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

  readInfohash(swarm: number, into: Infohash): void {
    const at = this.offsetOf(swarm);
    into.words.set(this.words(swarm).subarray(at, at + INFOHASH_WORDS));
  }

  /** Whether a number below `length` is a swarm's at present. */
  isLive(swarm: number): boolean {
    return this.get(swarm, SHAPE) !== FREE;
  }

  /** The shard of a swarm, where the peers of large swarms are indexed too. */
  shardOf(swarm: number): number {
    return this.get(swarm, HASH) & (this.#shards - 1);
  }

  /** The shard of an infohash. */
  shardFor(infohash: Infohash): number {
    this.#remember(infohash.words);
    return this.#hash & (this.#shards - 1);
  }

  /** The swarm of an infohash, or NONE. */
  find(infohash: Infohash): number {
    this.#remember(infohash.words);
    const latest = this.#latest;
    if (latest !== NONE && this.#is(latest, infohash.words)) return latest;
    const shard = this.#hash & (this.#shards - 1);
    let swarm = this.#index.find(shard, this.#hash);
    while (swarm !== NONE && !this.#is(swarm, infohash.words)) swarm = this.#index.next();
    this.#latest = swarm;
    return swarm;
  }

  /** Adds a swarm, which must not be there, without peers. NONE if there can be no more. */
  add(infohash: Infohash): number {
    if (!this.#limits.takeSwarm()) return NONE;
    this.#remember(infohash.words);
    const swarm = this.#takeRecord();
    const words = this.words(swarm);
    const at = this.offsetOf(swarm);
    words.fill(0, at, at + SHAPE);
    for (let i = 0; i < INFOHASH_WORDS; i++) words[at + i] = infohash.words[i] as number;
    words[at + HASH] = this.#hash;
    if (!this.#index.insert(this.#hash & (this.#shards - 1), this.#hash, swarm)) {
      this.#giveRecord(swarm);
      this.#limits.giveSwarm();
      return NONE;
    }
    words[at + SHAPE] = LIVE;
    this.#latest = swarm;
    return swarm;
  }

  /** Removes a swarm, which must be without peers. */
  remove(swarm: number): void {
    const hash = this.get(swarm, HASH);
    this.#index.remove(hash & (this.#shards - 1), hash, swarm);
    this.#giveRecord(swarm);
    this.#limits.giveSwarm();
  }

  /** How many swarms there are. Reads every record: for repairs only. */
  count(): number {
    let count = 0;
    for (let swarm = 0; swarm < this.length; swarm++) if (this.isLive(swarm)) count++;
    return count;
  }

  /** The swarms of a shard, which is locked. Reads every record: for repairs only. */
  inShard(shard: number): number[] {
    const swarms: number[] = [];
    for (let swarm = 0; swarm < this.length; swarm++) {
      // A record of another shard may be changing; one of this shard cannot.
      const isHere = () => this.isLive(swarm) && this.shardOf(swarm) === shard;
      if (isHere() && isHere()) swarms.push(swarm);
    }
    return swarms;
  }

  /** Builds the index of a shard anew. */
  reindex(shard: number, swarms: readonly number[]): void {
    this.#index.clear(shard);
    for (const swarm of swarms) {
      this.#index.insert(shard, this.get(swarm, HASH), swarm);
    }
    this.#latest = NONE;
  }

  #remember(infohash: Int32Array): void {
    const known = this.#infohash;
    if (
      known[0] === infohash[0] &&
      known[1] === infohash[1] &&
      known[2] === infohash[2] &&
      known[3] === infohash[3] &&
      known[4] === infohash[4]
    ) {
      return;
    }
    for (let i = 0; i < INFOHASH_WORDS; i++) known[i] = infohash[i] as number;
    this.#hash = this.#hashOf(known);
    this.#latest = NONE;
  }

  #hashOf(infohash: Int32Array): number {
    return halfSipHash(this.#key.key0, this.#key.key1, infohash, 0, INFOHASH_WORDS);
  }

  #is(swarm: number, infohash: Int32Array): boolean {
    const words = this.words(swarm);
    const at = this.offsetOf(swarm);
    return (
      words[at] === infohash[0] &&
      words[at + 1] === infohash[1] &&
      words[at + 2] === infohash[2] &&
      words[at + 3] === infohash[3] &&
      words[at + 4] === infohash[4] &&
      words[at + SHAPE] !== FREE
    );
  }

  #takeRecord(): number {
    this.#locks.acquire(this.#id);
    try {
      const free = (this.#state[FIRST_FREE] as number) - 1;
      if (free >= 0) {
        this.#state[FIRST_FREE] = this.get(free, 0);
        return free;
      }
      const { length } = this;
      if (length === this.#segments.length << SEGMENT_BITS) this.#memory.grow(this.#id);
      this.#state[LENGTH] = length + 1;
      return length;
    } finally {
      this.#locks.release(this.#id);
    }
  }

  #giveRecord(swarm: number): void {
    this.#locks.acquire(this.#id);
    this.set(swarm, SHAPE, FREE);
    this.set(swarm, 0, this.#state[FIRST_FREE] as number);
    this.#state[FIRST_FREE] = swarm + 1;
    this.#locks.release(this.#id);
  }
}
