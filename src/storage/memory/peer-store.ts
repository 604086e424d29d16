/**
 * The memory store: all swarms as packed bytes in this process. No object is made for a peer or a swarm,
 * and every call answers at once.
 *
 *   MemoryPeerStore ── SwarmPeers (IPv4) ── SwarmTable   infohash → swarm
 *                  └── SwarmPeers (IPv6)  ├ RecordSlab   the peers' bytes
 *                                         └ HashIndex    peer → position, in large swarms
 */

import { randomFillSync } from 'node:crypto';
import { AddressFamily } from '../../bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../bittorrent/announce.ts';
import { Infohash } from '../../bittorrent/infohash.ts';
import type { Peer } from '../../bittorrent/peer.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import type { SwarmCounts } from '../../bittorrent/scrape.ts';
import type { Clock } from '../../pkg/clock.ts';
import type { Sample } from '../../pkg/metrics.ts';
import { Random } from '../../pkg/random.ts';
import { type DeleteResult, type PeerStore, resourceDoesNotExist, type StoreTotals } from '../storage.ts';
import { LOCKS_AREA, MAX_THREADS, SHARD_LOCKS, THREADS_AREA } from './areas.ts';
import { CollectionFigures } from './collection-figures.ts';
import { Collection } from './collector.ts';
import { NONE } from './hash-index.ts';
import { Limits, type StoreLimits } from './limits.ts';
import { NoLocks, ThreadLocks } from './locks.ts';
import { PeerChoice } from './peer-choice.ts';
import { PreferredChoice } from './preferred-choice.ts';
import { toSecond } from './seconds.ts';
import { type MemoryHandle, StoreMemory } from './store-memory.ts';
import type { HashKey, StoreParts } from './store-parts.ts';
import { SwarmPeers, Total } from './swarm-peers.ts';
import { LEECHERS, SEEDERS, SNATCHES } from './swarm-table.ts';
import { isDead, systemThread } from './system-thread.ts';

const MAX_SHARDS = 65536;

/** What a store does by itself, until it is stopped. */
interface Duty {
  stop(): Promise<void>;
}

/** What another thread opens the same store from, `thread` being its number in it. */
export interface StoreHandle {
  readonly memory: MemoryHandle;
  readonly key: HashKey;
  readonly shards: number;
}

/** What a store is made with. */
export interface MemoryStoreOptions {
  /** Rounded up to a power of two. */
  readonly shardCount: number;
  readonly clock: Clock;
  /** Whether other threads can join, as numbers 2 and up. */
  readonly shared?: boolean;
  readonly limits?: StoreLimits | undefined;
}

export class MemoryPeerStore implements PeerStore {
  readonly collections = new CollectionFigures();
  readonly #clock: Clock;
  readonly #parts: StoreParts;
  /** By thread the number the system knows it by; 0 where there is none. */
  readonly #threads: Int32Array;
  readonly #ipv4: SwarmPeers;
  readonly #ipv6: SwarmPeers;
  readonly #choice4: PeerChoice;
  readonly #choice6: PeerChoice;
  readonly #preferred4: PreferredChoice;
  readonly #preferred6: PreferredChoice;
  #duties: readonly Duty[] = [];
  #stopped = false;

  static create({ shardCount, clock, shared = false, limits }: MemoryStoreOptions): MemoryPeerStore {
    const shards = 2 ** Math.ceil(Math.log2(Math.min(shardCount, MAX_SHARDS)));
    const [key0, key1] = randomFillSync(new Int32Array(2)) as unknown as [number, number];
    const memory = shared ? StoreMemory.shared() : StoreMemory.private();
    const handle = { key: { key0, key1 }, shards };
    const store = new MemoryPeerStore(memory, handle, shared ? 1 : 0, clock);
    if (limits) store.limit(limits);
    return store;
  }

  /**
   * The store of another thread.
   *
   * @param memory has joined the channel of that store's memory before `handle` was made
   * @param thread no other thread's number
   */
  static open(memory: StoreMemory, handle: StoreHandle, thread: number, clock: Clock): MemoryPeerStore {
    memory.adopt(handle.memory);
    return new MemoryPeerStore(memory, handle, thread, clock);
  }

  private constructor(
    memory: StoreMemory,
    handle: Omit<StoreHandle, 'memory'>,
    thread: number,
    clock: Clock,
  ) {
    const { key, shards } = handle;
    const parts: StoreParts = {
      memory,
      locks: thread === 0 ? new NoLocks() : new ThreadLocks(memory, LOCKS_AREA, SHARD_LOCKS + shards, thread),
      limits: new Limits(memory),
      key,
      shards,
    };
    this.#clock = clock;
    this.#parts = parts;
    this.#threads = memory.area(THREADS_AREA, MAX_THREADS);
    if (parts.locks instanceof ThreadLocks) {
      this.#threads[thread] = systemThread();
      if (thread === 1) this.#watchHolders(parts.locks);
    }
    this.#ipv4 = new SwarmPeers(AddressFamily.IPv4, parts);
    this.#ipv6 = new SwarmPeers(AddressFamily.IPv6, parts);
    const random = new Random();
    this.#choice4 = new PeerChoice(this.#ipv4, random);
    this.#choice6 = new PeerChoice(this.#ipv6, random);
    this.#preferred4 = new PreferredChoice(this.#ipv4, random, this.#choice4);
    this.#preferred6 = new PreferredChoice(this.#ipv6, random, this.#choice6);
  }

  /** The swarms of each family, for snapshots. */
  get families(): readonly SwarmPeers[] {
    return [this.#ipv4, this.#ipv6];
  }

  /** What guards them. */
  get locks(): NoLocks {
    return this.#parts.locks;
  }

  /** The channel of a shared store's memory. */
  get channelName(): string | undefined {
    return this.#parts.memory.channelName;
  }

  /** For a thread that has joined the channel. */
  handle(): StoreHandle {
    const { memory, key, shards } = this.#parts;
    return { memory: memory.handle(), key, shards };
  }

  /**
   * Frees what a thread that has died held, and mends what it left half done. Pools need no mending: each of
   * their steps leaves them whole, and what was under way in them is lost memory at worst.
   */
  bury(thread: number): void {
    const { locks } = this.#parts;
    if (!(locks instanceof ThreadLocks)) return;
    const held = locks.heldBy(thread);
    if (held.length === 0) return;
    this.#freePools(locks, thread);
    for (const lock of held) {
      if (lock < SHARD_LOCKS) continue;
      locks.inherit(lock);
      for (const peers of [this.#ipv4, this.#ipv6]) peers.repair(lock - SHARD_LOCKS);
      locks.release(lock);
    }
    if (this.#parts.limits.counting) this.#parts.limits.reset(this.#swarmCount(), this.#peerCount());
  }

  #freePools(locks: ThreadLocks, thread: number): void {
    for (const lock of locks.heldBy(thread)) {
      if (lock >= SHARD_LOCKS) continue;
      this.#parts.memory.settle(lock);
      for (const { slab } of [this.#ipv4, this.#ipv6]) if (slab.isGuardedBy(lock)) slab.repair();
      locks.release(lock);
    }
  }

  /**
   * Sets how much is taken in, in whichever thread. What there is beyond a limit stays. The first limit that a store is
   * given has its swarms counted, for which all calls wait: some 40 ms for a million.
   */
  limit(limits: StoreLimits): void {
    const { limits: inForce, locks, shards } = this.#parts;
    inForce.set(limits);
    if (inForce.counting || Object.values(limits).every((limit) => limit === 0)) return;
    for (let shard = 0; shard < shards; shard++) locks.acquire(SHARD_LOCKS + shard);
    inForce.begin(this.#swarmCount(), this.#peerCount());
    for (let shard = 0; shard < shards; shard++) locks.release(SHARD_LOCKS + shard);
  }

  #swarmCount(): number {
    return this.#ipv4.swarms.count() + this.#ipv6.swarms.count();
  }

  #peerCount(): number {
    const { seeders, leechers } = this.totals();
    return seeders + leechers;
  }

  /**
   * The thread that others share its store with must not wait for one that has died: it is this very thread that would
   * be told of the death, and it cannot be told while it waits. So it asks the system.
   */
  #watchHolders(locks: ThreadLocks): void {
    locks.onLongWait = (holder, lock) => {
      if (!isDead(this.#threads[holder] as number)) return;
      // In the middle of a step of its own this thread may only free what it waits for.
      if (lock < SHARD_LOCKS) this.#freePools(locks, holder);
      else this.bury(holder);
    };
  }

  putSeeder(infohash: Infohash, peer: Peer): void {
    this.#put(infohash, peer, true, false);
  }

  putLeecher(infohash: Infohash, peer: Peer): void {
    this.#put(infohash, peer, false, false);
  }

  graduateLeecher(infohash: Infohash, peer: Peer): void {
    this.#put(infohash, peer, true, true);
  }

  deleteSeeder(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#delete(infohash, peer, true);
  }

  deleteLeecher(infohash: Infohash, peer: Peer): DeleteResult {
    return this.#delete(infohash, peer, false);
  }

  announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
    preference?: PeerPreference,
  ): boolean {
    const peers = this.#of(announcer.family);
    const lock = this.#lock(peers, infohash);
    try {
      const swarm = peers.swarms.find(infohash);
      if (swarm === NONE) {
        response.complete = 0;
        response.incomplete = 0;
        return false;
      }
      const seeders = peers.swarms.get(swarm, SEEDERS);
      const leechers = peers.swarms.get(swarm, LEECHERS);
      response.complete = seeders;
      response.incomplete = leechers;
      const own = peers.find(swarm, announcer);
      if (numwant > 0 && preference !== undefined) {
        const choice = announcer.family === AddressFamily.IPv4 ? this.#preferred4 : this.#preferred6;
        const list = response.peers;
        choice.choose(swarm, seeders, leechers, announcer, own, seeder, numwant, preference, list);
      } else if (numwant > 0) {
        const choice = announcer.family === AddressFamily.IPv4 ? this.#choice4 : this.#choice6;
        const list = response.peers;
        const before = list.count;
        if (!seeder) choice.choose(swarm, 0, seeders, own, numwant, list);
        choice.choose(swarm, seeders, seeders + leechers, own, numwant - (list.count - before), list);
      }
      return own !== NONE;
    } finally {
      this.#parts.locks.release(lock);
    }
  }

  scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): void {
    const peers = this.#of(family);
    const { swarms } = peers;
    const lock = this.#lock(peers, infohash);
    const swarm = swarms.find(infohash);
    counts.complete = swarm === NONE ? 0 : swarms.get(swarm, SEEDERS);
    counts.incomplete = swarm === NONE ? 0 : swarms.get(swarm, LEECHERS);
    counts.snatches = swarm === NONE ? 0 : swarms.get(swarm, SNATCHES);
    this.#parts.locks.release(lock);
  }

  async collectGarbage(cutoff: number): Promise<void> {
    const second = toSecond(cutoff);
    const run = this.collections.begin();
    for (const peers of [this.#ipv4, this.#ipv6]) {
      await new Collection(peers, this.#parts.locks, second, this.#second()).run(() => this.#stopped, run);
    }
    if (!this.#stopped) this.collections.publish(run);
  }

  async evict(isKept: (infohash: Infohash) => boolean): Promise<void> {
    const infohash = new Infohash();
    // Its slices count; what it passes by is not published.
    const run = this.collections.begin();
    for (const peers of [this.#ipv4, this.#ipv6]) {
      const keeps = (swarm: number) => {
        peers.swarms.readInfohash(swarm, infohash);
        return isKept(infohash);
      };
      await new Collection(peers, this.#parts.locks, 0, this.#second(), keeps).run(() => this.#stopped, run);
    }
  }

  totals(): StoreTotals {
    const total = (column: number) => this.#ipv4.total(column) + this.#ipv6.total(column);
    return {
      infohashes: total(Total.Populated),
      seeders: total(Total.Seeders),
      leechers: total(Total.Leechers),
    };
  }

  /** Bytes reserved for swarms and peers, used or free. */
  get byteLength(): number {
    return this.#parts.memory.byteLength;
  }

  /** Bytes of those that the records of peers and swarms take; indexes and room to fill are not among them. */
  get recordBytes(): number {
    return this.#ipv4.recordBytes + this.#ipv6.recordBytes;
  }

  /** Snatches ever counted, those of swarms that are gone too. */
  get snatches(): number {
    return this.#ipv4.total(Total.Snatches) + this.#ipv6.total(Total.Snatches);
  }

  /** Announces that were not stored because of a limit, by limit; none without limits. */
  refused(): Sample[] {
    return this.#parts.limits.refused();
  }

  /** Ties to the store's life what is done by timers. At a stop they end in this order; the store can still be read then. */
  keepUp(...duties: readonly Duty[]): void {
    this.#duties = duties;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const duty of this.#duties) await duty.stop();
    this.#parts.memory.close();
  }

  #of(family: AddressFamily): SwarmPeers {
    return family === AddressFamily.IPv4 ? this.#ipv4 : this.#ipv6;
  }

  #second(): number {
    return toSecond(this.#clock.now());
  }

  /** Locks the shard of an infohash and returns the lock. */
  #lock(peers: SwarmPeers, infohash: Infohash): number {
    const lock = SHARD_LOCKS + peers.swarms.shardFor(infohash);
    this.#parts.locks.acquire(lock);
    return lock;
  }

  /** Puts the peer on one side, and counts its snatch. A store that can take no more leaves it out. */
  #put(infohash: Infohash, peer: Peer, seeder: boolean, snatched: boolean): void {
    const peers = this.#of(peer.family);
    const second = this.#second();
    const lock = this.#lock(peers, infohash);
    try {
      let swarm = peers.swarms.find(infohash);
      if (swarm === NONE) swarm = peers.swarms.add(infohash);
      if (swarm === NONE) return;
      let position = peers.find(swarm, peer);
      if (position === NONE) {
        position = peers.add(swarm, peer, seeder, second);
        if (position === NONE) {
          peers.removeIfUnused(swarm);
          return;
        }
      } else {
        peers.touch(swarm, position, second);
        position = peers.setSeeder(swarm, position, seeder);
      }
      if (snatched) peers.snatch(swarm, position);
    } finally {
      this.#parts.locks.release(lock);
    }
  }

  #delete(infohash: Infohash, peer: Peer, seeder: boolean): DeleteResult {
    const peers = this.#of(peer.family);
    const lock = this.#lock(peers, infohash);
    try {
      const swarm = peers.swarms.find(infohash);
      if (swarm === NONE) return resourceDoesNotExist;
      const position = peers.find(swarm, peer);
      if (position === NONE || position < peers.swarms.get(swarm, SEEDERS) !== seeder)
        return resourceDoesNotExist;
      peers.remove(swarm, position, this.#second());
      return undefined;
    } finally {
      this.#parts.locks.release(lock);
    }
  }
}
