/** A thread at work on a shared memory store (store-thread.js), as the test sees it. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { StorageHost } from '../../src/storage/driver.ts';

/** What a thread has found, and what must have become of its peers. */
export interface Outcome {
  /** Answers that were not as they must be. */
  readonly faults: string[];
  /** By swarm: the numbers of its peers there. */
  readonly expected: Map<number, 'seeder' | 'leecher'>[];
  /** By swarm: how often a peer of its own completed it. */
  readonly snatches: number[];
  /** Announces of peers that were not taken in. */
  readonly refused: number;
}

export interface Work {
  readonly seed?: number;
  readonly calls: number;
  readonly swarms: number;
  /** Of this thread, in each swarm. */
  readonly peers: number;
  /** Peers that a swarm may have. */
  readonly most?: number;
  /** It begins when this has been opened. */
  readonly gate?: Gate;
}

/** Lets threads begin at the same moment. */
export class Gate {
  /** Whether it is open, and a word that never changes, to wait for. */
  readonly words = new Int32Array(new SharedArrayBuffer(8));

  open(): this {
    Atomics.store(this.words, 0, 1);
    Atomics.notify(this.words, 0);
    return this;
  }
}

export class StoreThread {
  readonly outcome: Promise<Outcome>;
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.outcome = once(worker, 'message').then(([outcome]) => outcome as Outcome);
    // Who terminates it does not wait for what it would have found.
    this.outcome.catch(() => {});
  }

  /** Resolves when it has the store. */
  static async start(host: StorageHost, thread: number, work: Work): Promise<StoreThread> {
    const { seed = 7919 * thread, most = Number.POSITIVE_INFINITY, gate = new Gate().open() } = work;
    const worker = new Worker(new URL('./store-thread.js', import.meta.url), {
      workerData: { ...work, invitation: host.invitation, thread, seed, most, gate: gate.words },
    });
    await once(worker, 'message');
    worker.postMessage({ admission: host.admit() });
    await once(worker, 'message');
    return new StoreThread(worker);
  }

  /** Ends it on the spot. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
