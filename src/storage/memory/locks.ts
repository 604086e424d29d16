/**
 * Locks between threads: one for each shard of the store, and a few for what all shards share.
 *
 * A lock is a word that holds 0 or the number of the thread that has it. They are held for a microsecond or
 * so, so a thread that finds one taken looks again for a while, and only then sleeps in short naps:
 * whoever held it may have lost its core. The lock says who holds it, so that the locks of a thread that
 * died can be found.
 */

import type { StoreMemory } from './store-memory.ts';

/** What the store needs of locks; a store of one thread has none. */
export class NoLocks {
  acquire(_lock: number): void {}
  release(_lock: number): void {}
}

/** Words between two locks: a cache line, so that taking one does not disturb those who hold its neighbours. */
const STRIDE = 16;

/** Looks at a taken lock before the first nap, milliseconds of a nap, and naps after which something may be wrong. */
const SPINS = 200;
const NAP = 0.05;
const MANY_NAPS = 200;

export class ThreadLocks extends NoLocks {
  readonly #memory: StoreMemory;
  readonly #words: Int32Array;
  readonly #thread: number;
  /** Called now and then while this thread waits long for a lock: its holder may be dead. */
  onLongWait: (holder: number, lock: number) => void = () => {};

  /**
   * @param area of the memory where the locks are
   * @param thread this thread's number, at least 1 and no other's
   */
  constructor(memory: StoreMemory, area: number, locks: number, thread: number) {
    super();
    this.#memory = memory;
    this.#words = memory.area(area, locks * STRIDE);
    this.#thread = thread;
  }

  override acquire(lock: number): void {
    const at = lock * STRIDE;
    if (Atomics.compareExchange(this.#words, at, 0, this.#thread) !== 0) this.#wait(at);
    // What the lock guards may name memory that another thread has added.
    this.#memory.catchUp();
  }

  override release(lock: number): void {
    Atomics.store(this.#words, lock * STRIDE, 0);
  }

  /** Takes over a lock from a thread that has died. */
  inherit(lock: number): void {
    Atomics.store(this.#words, lock * STRIDE, this.#thread);
  }

  /** The locks that a thread holds. */
  heldBy(thread: number): number[] {
    const held: number[] = [];
    for (let at = 0; at < this.#words.length; at += STRIDE) {
      if (Atomics.load(this.#words, at) === thread) held.push(at / STRIDE);
    }
    return held;
  }

  #wait(at: number): void {
    for (let spins = 0; ; spins++) {
      const holder = Atomics.load(this.#words, at);
      if (holder === 0) {
        if (Atomics.compareExchange(this.#words, at, 0, this.#thread) === 0) return;
      } else if (spins >= SPINS) {
        Atomics.wait(this.#words, at, holder, NAP);
        if ((spins - SPINS) % MANY_NAPS === MANY_NAPS - 1) this.onLongWait(holder, at / STRIDE);
      }
    }
  }
}
