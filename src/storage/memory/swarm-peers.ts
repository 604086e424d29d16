/**
 * The peers of a swarm: one sequence, seeders first, then leechers, so that either kind is a range of
 * positions and a random one is a random number.
 *
 *     0            seeders               seeders + leechers
 *     |  seeders   |      leechers       |
 *
 * The peers of a small swarm are found by looking at each; those of a large one, beyond 512, through a hash
 * index from peer to position. Looking is the quicker for longer than it seems: it reads what an answer is made of
 * anyway, one line behind the other, and an index lies in places that no cache has. Adding and removing keep the
 * sequence dense by moving at most two peers, whatever the swarm's size.
 *
 * Whoever comes takes the place behind the last one, and a seeder then changes places with the first leecher; who goes
 * takes the same way back. A thread can be ended between any two of these steps: after each, everybody is there once.
 */

import { type AddressFamily, compactPeerLength } from '../../bittorrent/address-family.ts';
import { PEER_ID_LENGTH, type Peer } from '../../bittorrent/peer.ts';
import { Area, areaOf } from './areas.ts';
import { CopyCursor } from './copy-cursor.ts';
import { HashIndex, NONE } from './hash-index.ts';
import { IntBlocks } from './int-blocks.ts';
import type { Limits } from './limits.ts';
import { PeerRecords } from './peer-records.ts';
import { RecordSlab, seenAt, segmentOf } from './record-slab.ts';
import type { StoreParts } from './store-parts.ts';
import { FULL, SwarmBlocks } from './swarm-blocks.ts';
import { ADDED, LEECHERS, PEERS, SEEDERS, SNATCHES, SWARM_BYTES, SwarmTable } from './swarm-table.ts';

/** A large swarm becomes a small one again at this size: below FULL, so that one peer's coming and going does not rebuild it each time. */
const SMALL_AGAIN = 384;

/** A page of the index has 2^10 slots. Only shards with a large swarm have any. */
const PAGE_BITS = 10;

/** In a record's `seen`, above the 31 bits of the time: its snatch has been counted. */
const SNATCHED = 0x80000000 | 0;
const TIME = 0x7fffffff;

/** Columns of the totals, and words a row. Snatches are all that were ever counted. */
export const Total = { Populated: 0, Seeders: 1, Leechers: 2, Snatches: 3 } as const;
const ROW = 4;

export class SwarmPeers {
  readonly family: AddressFamily;
  readonly swarms: SwarmTable;
  readonly slab: RecordSlab;
  readonly blocks: SwarmBlocks;
  /** The swarm that is being copied into a snapshot. */
  readonly copy: CopyCursor;
  readonly #records: PeerRecords;
  readonly #index: HashIndex;
  readonly #limits: Limits;
  /** A row a shard, guarded by its lock; the sums of the columns are the totals. */
  readonly #totals: Int32Array;
  /** Where `find` found a peer last. It is looked at again before it is believed. */
  #latestSwarm = NONE;
  #latestPosition = 0;
  /** The peer that `find` did not find last, and how many had been added to the swarm: as long as none has been since, it is not there. */
  #missingSwarm = NONE;
  #missingAdded = 0;
  readonly #missing: Int32Array;

  constructor(family: AddressFamily, parts: StoreParts) {
    const { memory, locks, limits, shards, key } = parts;
    const id = (area: number) => areaOf(family, area);
    const blocks = new IntBlocks(memory, locks, id(Area.Blocks));
    this.family = family;
    this.#limits = limits;
    this.swarms = new SwarmTable(family, parts, blocks);
    this.slab = new RecordSlab(family, memory, locks, id(Area.Records));
    this.#records = new PeerRecords(family, this.slab, key);
    this.blocks = new SwarmBlocks(this.swarms, this.slab, blocks);
    const indexState = memory.area(id(Area.PeerIndex), HashIndex.wordsFor(shards));
    this.#index = new HashIndex(blocks, indexState, PAGE_BITS);
    this.#missing = new Int32Array(Math.ceil((PEER_ID_LENGTH + compactPeerLength(family)) / 4));
    this.#totals = memory.area(id(Area.Totals), ROW * shards);
    this.copy = new CopyCursor(memory, id(Area.Copy));
  }

  /** Swarms that have peers, seeders, leechers, or snatches, over all shards. */
  total(column: number): number {
    let sum = 0;
    for (let at = column; at < this.#totals.length; at += ROW) sum += this.#totals[at] as number;
    return sum;
  }

  /** Bytes that the records of peers and of swarms with peers take. */
  get recordBytes(): number {
    const peers = this.total(Total.Seeders) + this.total(Total.Leechers);
    return peers * this.slab.recordBytes + this.total(Total.Populated) * SWARM_BYTES;
  }

  size(swarm: number): number {
    return this.swarms.get(swarm, SEEDERS) + this.swarms.get(swarm, LEECHERS);
  }

  /** The record of the peer at a position. */
  recordAt(swarm: number, position: number): number {
    return this.blocks.recordAt(swarm, position);
  }

  /** Where in the swarm a peer is, or NONE. An announce asks twice: to answer, and to store. */
  find(swarm: number, peer: Peer): number {
    const size = this.size(swarm);
    const latest = this.#latestPosition;
    if (
      this.#latestSwarm === swarm &&
      latest < size &&
      this.#records.matches(this.recordAt(swarm, latest), peer)
    ) {
      return latest;
    }
    if (this.#isMissing(swarm, peer)) return NONE;
    const position = this.#look(swarm, size, peer);
    if (position === NONE) {
      this.#noteMissing(swarm, peer);
    } else {
      this.#latestSwarm = swarm;
      this.#latestPosition = position;
    }
    return position;
  }

  #isMissing(swarm: number, { words }: Peer): boolean {
    if (this.#missingSwarm !== swarm || this.swarms.get(swarm, ADDED) !== this.#missingAdded) return false;
    const missing = this.#missing;
    for (let i = 0; i < missing.length; i++) if (missing[i] !== words[i]) return false;
    return true;
  }

  #noteMissing(swarm: number, { words }: Peer): void {
    this.#missingSwarm = swarm;
    this.#missingAdded = this.swarms.get(swarm, ADDED);
    const missing = this.#missing;
    for (let i = 0; i < missing.length; i++) missing[i] = words[i] as number;
  }

  #look(swarm: number, size: number, peer: Peer): number {
    if (!this.blocks.isLarge(swarm)) return this.#records.scan(this.swarms.get(swarm, PEERS), size, peer);
    const shard = this.swarms.shardOf(swarm);
    let position = this.#index.find(shard, this.#records.hashPeer(swarm, peer));
    while (position !== NONE) {
      if (position < size && this.#records.matches(this.recordAt(swarm, position), peer)) return position;
      position = this.#index.next();
    }
    return NONE;
  }

  /** When a peer announced last, in the seconds it was stored with. */
  lastSeen(swarm: number, position: number): number {
    return this.#seen(this.recordAt(swarm, position)) & TIME;
  }

  /** Whether a peer's snatch has been counted. */
  hasSnatched(swarm: number, position: number): boolean {
    return this.#seen(this.recordAt(swarm, position)) < 0;
  }

  /** Notes when a peer announced. */
  touch(swarm: number, position: number, second: number): void {
    const record = this.recordAt(swarm, position);
    const heads = this.slab.heads[segmentOf(record)] as Int32Array;
    const at = seenAt(record);
    heads[at] = ((heads[at] as number) & SNATCHED) | second;
  }

  #seen(record: number): number {
    return (this.slab.heads[segmentOf(record)] as Int32Array)[seenAt(record)] as number;
  }

  /** Counts a snatch of the peer at a position, if it is the peer's first. */
  snatch(swarm: number, position: number): void {
    const record = this.recordAt(swarm, position);
    const heads = this.slab.heads[segmentOf(record)] as Int32Array;
    const at = seenAt(record);
    if ((heads[at] as number) < 0) return;
    const words = this.swarms.words(swarm);
    const snatches = this.swarms.offsetOf(swarm) + SNATCHES;
    const total = ROW * this.swarms.shardOf(swarm) + Total.Snatches;
    // Neither call nor loop from here on: a thread that is ended has counted it, or will be told of it again.
    heads[at] = (heads[at] as number) | SNATCHED;
    words[snatches] = (words[snatches] as number) + 1;
    this.#totals[total] = (this.#totals[total] as number) + 1;
  }

  /**
   * Adds a peer that is not in the swarm. Returns its position, or NONE if there can be no more.
   */
  add(swarm: number, peer: Peer, seeder: boolean, second: number): number {
    const size = this.size(swarm);
    if (!this.#limits.takePeer(size)) return NONE;
    if (!this.#makeRoom(swarm, size)) {
      this.#limits.givePeer();
      return NONE;
    }
    const position = seeder ? this.swarms.get(swarm, SEEDERS) : size;
    this.copy.note(swarm, position);
    this.swarms.set(swarm, ADDED, (this.swarms.get(swarm, ADDED) + 1) | 0);
    this.#records.write(this.recordAt(swarm, size), peer, second);
    if (this.blocks.isLarge(swarm)) {
      const shard = this.swarms.shardOf(swarm);
      if (!this.#index.insert(shard, this.#records.hashPeer(swarm, peer), position)) {
        this.blocks.trim(swarm, size);
        this.#limits.givePeer();
        return NONE;
      }
    }
    if (position === size) {
      this.#count(swarm, seeder ? 1 : 0, seeder ? 0 : 1);
    } else {
      this.#count(swarm, 0, 1);
      this.#fetch(swarm, position, size);
      this.#count(swarm, 1, -1);
    }
    return position;
  }

  /** Removes the peer at a position, at the time `second`; positions behind it may have changed afterwards. */
  remove(swarm: number, position: number, second: number): void {
    const seeders = this.swarms.get(swarm, SEEDERS);
    const last = this.size(swarm) - 1;
    if (this.blocks.isLarge(swarm)) {
      const hash = this.#records.hashRecord(swarm, this.recordAt(swarm, position));
      this.#index.remove(this.swarms.shardOf(swarm), hash, position);
    }
    let leaving = position;
    if (position < seeders) {
      leaving = seeders - 1;
      if (position !== leaving) this.#fetch(swarm, leaving, position);
      this.#count(swarm, -1, 1);
    }
    if (leaving !== last) this.#fetch(swarm, last, leaving);
    this.#count(swarm, 0, -1);
    this.#limits.givePeer();
    this.blocks.trim(swarm, last);
    if (last === SMALL_AGAIN && this.blocks.isLarge(swarm)) this.#reduce(swarm);
    if (last === 0) {
      this.copy.leave(swarm);
      this.swarms.set(swarm, PEERS, second);
      this.removeIfUnused(swarm);
    }
  }

  /** Removes a swarm that has nothing to remember. */
  removeIfUnused(swarm: number): void {
    if (this.size(swarm) === 0 && this.swarms.get(swarm, SNATCHES) === 0) this.swarms.remove(swarm);
  }

  /** Makes the peer at a position a seeder or a leecher. Returns its new position. */
  setSeeder(swarm: number, position: number, seeder: boolean): number {
    const seeders = this.swarms.get(swarm, SEEDERS);
    if (position < seeders === seeder) return position;
    // The two kinds meet at the border: the peer changes places with its neighbour there.
    const border = seeder ? seeders : seeders - 1;
    if (position !== border) {
      this.copy.note(swarm, border);
      this.#reindex(swarm, position, border);
      this.#fetch(swarm, border, position);
    }
    this.#count(swarm, seeder ? 1 : -1, seeder ? -1 : 1);
    return border;
  }

  /** Mends a locked shard in which a thread has died. Its swarms are whole at every step; its indexes and totals are made anew. */
  repair(shard: number): void {
    const swarms = this.swarms.inShard(shard);
    this.#index.clear(shard);
    this.swarms.reindex(shard, swarms);
    for (const swarm of swarms) {
      const size = this.size(swarm);
      this.blocks.repairShape(swarm, size);
      if (!this.blocks.isLarge(swarm)) continue;
      for (let position = 0; position < size; position++) {
        const hash = this.#records.hashRecord(swarm, this.recordAt(swarm, position));
        this.#index.insert(shard, hash, position);
      }
    }
    this.#recount(shard, swarms);
  }

  /** Makes a shard's totals what its swarms say. */
  #recount(shard: number, swarms: readonly number[]): void {
    const counted = [0, 0, 0];
    for (const swarm of swarms) {
      if (!this.swarms.isLive(swarm) || this.size(swarm) === 0) continue;
      counted[Total.Populated] = (counted[Total.Populated] as number) + 1;
      counted[Total.Seeders] = (counted[Total.Seeders] as number) + this.swarms.get(swarm, SEEDERS);
      counted[Total.Leechers] = (counted[Total.Leechers] as number) + this.swarms.get(swarm, LEECHERS);
    }
    this.#totals.set(counted, ROW * shard);
  }

  #count(swarm: number, seeders: number, leechers: number): void {
    const before = this.size(swarm);
    const words = this.swarms.words(swarm);
    const seedersAt = this.swarms.offsetOf(swarm) + SEEDERS;
    const leechersAt = this.swarms.offsetOf(swarm) + LEECHERS;
    // Together, with neither a call nor a loop in between: there a thread may be ended.
    words[seedersAt] = (words[seedersAt] as number) + seeders;
    words[leechersAt] = (words[leechersAt] as number) + leechers;

    const totals = this.#totals;
    const row = ROW * this.swarms.shardOf(swarm);
    totals[row + Total.Seeders] = (totals[row + Total.Seeders] as number) + seeders;
    totals[row + Total.Leechers] = (totals[row + Total.Leechers] as number) + leechers;
    const populated = (before + seeders + leechers > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
    totals[row + Total.Populated] = (totals[row + Total.Populated] as number) + populated;
  }

  /** Brings the peer at `from` to `to`, in exchange for the one there, whose place in the index is the caller's concern. */
  #fetch(swarm: number, from: number, to: number): void {
    this.copy.note(swarm, to);
    this.#reindex(swarm, from, to);
    this.slab.swap(this.recordAt(swarm, from), this.recordAt(swarm, to));
  }

  #reindex(swarm: number, from: number, to: number): void {
    if (!this.blocks.isLarge(swarm)) return;
    const hash = this.#records.hashRecord(swarm, this.recordAt(swarm, from));
    this.#index.replace(this.swarms.shardOf(swarm), hash, from, to);
  }

  #makeRoom(swarm: number, size: number): boolean {
    if (size === FULL && !this.blocks.isLarge(swarm) && !this.#enlarge(swarm)) return false;
    return this.blocks.extend(swarm, size);
  }

  /** Makes a small swarm of FULL peers a large one. Returns false, and changes nothing, if its shard can index no more. */
  #enlarge(swarm: number): boolean {
    const shard = this.swarms.shardOf(swarm);
    for (let i = 0; i < FULL; i++) {
      if (this.#index.insert(shard, this.#records.hashRecord(swarm, this.recordAt(swarm, i)), i)) continue;
      this.#unindex(swarm, i);
      return false;
    }
    this.blocks.enlarge(swarm);
    return true;
  }

  /** Makes a large swarm of SMALL_AGAIN peers a small one. */
  #reduce(swarm: number): void {
    this.#unindex(swarm, SMALL_AGAIN);
    this.blocks.reduce(swarm);
  }

  /** Takes the first `count` peers out of the index. */
  #unindex(swarm: number, count: number): void {
    const shard = this.swarms.shardOf(swarm);
    for (let i = 0; i < count; i++) {
      this.#index.remove(shard, this.#records.hashRecord(swarm, this.recordAt(swarm, i)), i);
    }
  }
}
