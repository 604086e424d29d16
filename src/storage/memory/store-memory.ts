/**
 * Where a store's memory comes from, and how several threads come to have the same.
 *
 * There are two kinds of it: areas of a fixed size, made when the store is opened, and pools that grow by
 * segments of equal size. Neither is ever moved. Private memory belongs to one thread. Shared memory lies in
 * SharedArrayBuffers: other threads open the store from a handle, and whoever adds a segment sends it to all
 * of them before it is used.
 *
 *   grow:      make segment ─▶ send to every thread ─▶ count it
 *   catchUp:   anything counted since the last look? ─ yes ─▶ take the segments that have been sent
 *
 * A thread catches up after it has taken a lock: what it then finds can name no segment it does not have.
 */

import { randomUUID } from 'node:crypto';
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/** What another thread opens the store from; sent to it as a message. */
export interface MemoryHandle {
  readonly areas: readonly (readonly [id: number, buffer: SharedArrayBuffer])[];
  readonly segments: readonly Segment[];
}

interface Segment {
  readonly pool: number;
  readonly index: number;
  readonly buffer: SharedArrayBuffer;
}

/** The area that counts segments; the others are numbered by their owners. */
const COUNTS_AREA = -1;

/** Its words: one that changes whenever a segment is added anywhere, then a count for each pool. */
const GENERATION = 0;
const POOLS = 1;
const MAX_POOLS = 16;

interface Pool {
  readonly buffers: ArrayBufferLike[];
  readonly segmentBytes: number;
  readonly attach: (buffer: ArrayBufferLike) => void;
}

export class StoreMemory {
  /** What other threads join by; `undefined` of private memory. */
  readonly channelName: string | undefined;
  readonly #channel: BroadcastChannel | undefined;
  readonly #areas = new Map<number, ArrayBufferLike>();
  readonly #pools = new Map<number, Pool>();
  /** Segments that came before their pool was opened, or before one that precedes them. */
  #early: Segment[] = [];
  #counts: Int32Array = new Int32Array(POOLS + MAX_POOLS);
  #seen = 0;

  /** Memory of this thread alone. */
  static private(): StoreMemory {
    return new StoreMemory(undefined);
  }

  /** Memory that other threads can join. */
  static shared(): StoreMemory {
    const memory = new StoreMemory(`chihaya store ${randomUUID()}`);
    memory.#counts = memory.area(COUNTS_AREA, POOLS + MAX_POOLS);
    return memory;
  }

  /**
   * Memory that another thread has made, of which nothing is there yet: from now on this thread hears of new
   * segments. Ask that thread for its `handle` afterwards, and `adopt` it.
   */
  static join(channelName: string): StoreMemory {
    return new StoreMemory(channelName);
  }

  private constructor(channelName: string | undefined) {
    this.channelName = channelName;
    if (channelName === undefined) return;
    this.#channel = new BroadcastChannel(channelName);
    this.#channel.onmessage = (event) => this.#take((event as { data: Segment }).data);
    this.#channel.unref();
  }

  /** Takes over what there is. Called once, before anything else. */
  adopt({ areas, segments }: MemoryHandle): void {
    for (const [id, buffer] of areas) this.#areas.set(id, buffer);
    this.#counts = this.area(COUNTS_AREA, POOLS + MAX_POOLS);
    for (const segment of segments) this.#take(segment);
  }

  /** Words of a fixed area, zero at first; the same words in every thread. */
  area(id: number, words: number): Int32Array {
    const buffer = this.#areas.get(id) ?? this.#allocate(4 * words);
    this.#areas.set(id, buffer);
    return new Int32Array(buffer);
  }

  /** Opens a pool. `attach` is called for each of its segments in order, now and whenever one is added. */
  openPool(id: number, segmentBytes: number, attach: (buffer: ArrayBufferLike) => void): void {
    this.#pools.set(id, { buffers: [], segmentBytes, attach });
    this.#retry();
  }

  /** Adds a segment to a pool. Called by one thread at a time: under the lock that guards the pool. */
  grow(id: number): void {
    const pool = this.#pools.get(id) as Pool;
    const buffer = this.#allocate(pool.segmentBytes);
    const index = pool.buffers.length;
    pool.buffers.push(buffer);
    pool.attach(buffer);
    if (!this.#channel) return;
    this.#channel.postMessage({ pool: id, index, buffer } as Segment);
    Atomics.add(this.#counts, POOLS + id, 1);
    Atomics.add(this.#counts, GENERATION, 1);
  }

  /** Takes what other threads have added. Called after taking a lock. */
  catchUp(): void {
    const generation = Atomics.load(this.#counts, GENERATION);
    if (generation === this.#seen) return;
    // Whatever is counted has been sent, so it is here; what is here may not all be counted yet.
    do this.#drain();
    while (!this.#hasAll());
    this.#seen = generation;
  }

  /** Counts a segment of a pool that a thread has sent before it died, but not counted. The pool is still locked by the dead. */
  settle(id: number): void {
    this.#drain();
    Atomics.store(this.#counts, POOLS + id, (this.#pools.get(id) as Pool).buffers.length);
    Atomics.add(this.#counts, GENERATION, 1);
  }

  /** Bytes of all pools. */
  get byteLength(): number {
    let bytes = 0;
    for (const { buffers, segmentBytes } of this.#pools.values()) bytes += buffers.length * segmentBytes;
    return bytes;
  }

  /** All there is, for a thread that has joined already. */
  handle(): MemoryHandle {
    this.catchUp();
    const segments: Segment[] = [];
    for (const [pool, { buffers }] of this.#pools) {
      segments.push(
        ...buffers.map((buffer, index) => ({ pool, index, buffer: buffer as SharedArrayBuffer })),
      );
    }
    return { areas: [...this.#areas] as [number, SharedArrayBuffer][], segments };
  }

  close(): void {
    this.#channel?.close();
  }

  #drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#channel as unknown as MessagePort);
      if (!received) return;
      this.#take((received as { message: Segment }).message);
    }
  }

  /** A segment may come twice, in a handle and as a message, and before one that was added earlier. */
  #take(segment: Segment): void {
    const pool = this.#pools.get(segment.pool);
    if (!pool || segment.index > pool.buffers.length) {
      this.#early.push(segment);
    } else if (segment.index === pool.buffers.length) {
      pool.buffers.push(segment.buffer);
      pool.attach(segment.buffer);
      this.#retry();
    }
  }

  #retry(): void {
    const early = this.#early;
    this.#early = [];
    for (const segment of early) this.#take(segment);
  }

  #hasAll(): boolean {
    for (const [id, { buffers }] of this.#pools) {
      if (buffers.length < Atomics.load(this.#counts, POOLS + id)) return false;
    }
    return true;
  }

  #allocate(bytes: number): ArrayBufferLike {
    return this.channelName === undefined ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
  }
}
