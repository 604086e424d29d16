/** Profiles of all threads, taken at the same time. */

import type { WorkerThread } from '../worker-thread.ts';
import { ownOutcome } from './outcome.ts';
import type { NamedOutcome, Outcome, ProfileOrder, ProfileSource } from './profile-source.ts';
import { ThreadProfiler } from './thread-profiler.ts';

export class Profiles implements ProfileSource {
  readonly #name: string;
  readonly #own: ThreadProfiler;
  readonly #workers: () => readonly WorkerThread[];

  /** @param name of this thread */
  static async open(name: string, workers: () => readonly WorkerThread[]): Promise<Profiles> {
    return new Profiles(name, await ThreadProfiler.open(), workers);
  }

  private constructor(name: string, own: ThreadProfiler, workers: () => readonly WorkerThread[]) {
    this.#name = name;
    this.#own = own;
    this.#workers = workers;
  }

  take(order: ProfileOrder, signal: AbortSignal): Promise<readonly NamedOutcome[]> {
    return Promise.all([
      named(this.#name, ownOutcome(this.#own, order, signal)),
      ...this.#workers().map((worker) => named(`worker ${worker.number}`, worker.profile(order, signal))),
    ]);
  }

  close(): void {
    this.#own.close();
  }
}

async function named(thread: string, outcome: Promise<Outcome>): Promise<NamedOutcome> {
  return { thread, outcome: await outcome };
}
