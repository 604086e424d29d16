/** The workers of a supervisor: started, replaced when they die, led over to another configuration, and ended. */

import type { Logger } from '../pkg/logger.ts';
import { Patience } from './patience.ts';
import type { ToWorker, WorkerConfig } from './worker-messages.ts';
import type { WorkerThread } from './worker-thread.ts';

/** A worker that ends sooner than this after its start has not recovered (milliseconds). */
const RECOVERED = 10_000;

/** The delay before a worker is replaced that died again, doubled each time, and the longest. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 5_000;

/** A worker has time to cut off what does not end by itself, before it is cut off (milliseconds). */
const CUT_OFF = 5_000;

export interface WorkerPoolOptions {
  readonly count: number;
  readonly logger: Logger;
  /** Starts the worker of that number, from 1, with the configuration in force. */
  readonly start: (number: number) => WorkerThread;
  /** Told of a worker that has died before another takes its place. */
  readonly onDeath: (dead: WorkerThread) => void;
  /** Told when another has taken its place. */
  readonly onReplaced: (dead: WorkerThread) => void;
}

export class WorkerPool {
  /** How many have been started in place of one that died. */
  restarts = 0;
  readonly #options: WorkerPoolOptions;
  readonly #deaths: number[];
  readonly #timers = new Set<NodeJS.Timeout>();
  #threads: WorkerThread[] = [];
  #stopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#deaths = new Array<number>(options.count).fill(0);
    // Node waits at its exit for all threads.
    process.once('exit', this.#wake);
  }

  /** By number, the first being worker 1. */
  get threads(): readonly WorkerThread[] {
    return this.#threads;
  }

  get count(): number {
    return this.#options.count;
  }

  /** Resolves when all serve. */
  async start(): Promise<void> {
    this.#threads = Array.from({ length: this.count }, (_, i) => this.#options.start(i + 1));
    await Promise.all(this.#threads.map(({ ready }) => ready));
    for (const thread of this.#threads) this.#watch(thread);
  }

  /**
   * Resolves to those that are ready to go over to another configuration; whoever has died meanwhile is not among them.
   * Rejects if one refuses.
   */
  async prepare(config: WorkerConfig, shared: readonly unknown[]): Promise<WorkerThread[]> {
    const asked = this.#threads.filter(({ serving }) => serving);
    const outcomes = await Promise.allSettled(asked.map((thread) => thread.prepare(config, shared)));
    const ready: WorkerThread[] = [];
    for (const [i, outcome] of outcomes.entries()) {
      const thread = asked[i] as WorkerThread;
      if (outcome.status === 'fulfilled') ready.push(thread);
      else if (thread.alive) throw outcome.reason;
    }
    return ready;
  }

  /** Has those go over that are ready. The others are started anew: they may know nothing of it. */
  commit(
    config: number,
    ready: readonly WorkerThread[],
  ): { readonly committed: Promise<unknown>; readonly retired: Promise<unknown> } {
    const over = ready.map((thread) => thread.commit(config));
    const others = this.#threads.filter((thread) => !ready.includes(thread));
    for (const thread of others)
      thread.terminate(new Error('it was not ready when the configuration changed'));
    return {
      committed: Promise.allSettled(over.map((each) => each.committed)),
      retired: Promise.allSettled([...over.map((each) => each.retired), ...others.map(({ ended }) => ended)]),
    };
  }

  /** Has all go on with the configuration that they have. */
  abandon(config: number): void {
    for (const thread of this.#threads) if (thread.alive) thread.abandon(config);
  }

  publish(message: Extract<ToWorker, { kind: 'publish' }>): void {
    for (const thread of this.#threads) thread.publish(message);
  }

  async stop(patience: Patience): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const thread of this.#threads) thread.stop(patience.left);
    const longer = new Patience(patience.left + CUT_OFF, this.#options.logger);
    await Promise.all(this.#threads.map((thread) => this.#end(thread, longer)));
    process.off('exit', this.#wake);
  }

  async #end(thread: WorkerThread, patience: Patience): Promise<void> {
    if (!(await patience.waitFor(`worker ${thread.number}`, thread.ended))) thread.terminate();
    await thread.ended;
  }

  #watch(thread: WorkerThread): void {
    void thread.ended.then((reason) => {
      if (reason) this.#bury(thread, reason);
    });
  }

  #bury(thread: WorkerThread, reason: Error): void {
    const { number } = thread;
    this.#options.onDeath(thread);
    const deaths = performance.now() - thread.startedAt < RECOVERED ? (this.#deaths[number - 1] ?? 0) + 1 : 1;
    this.#deaths[number - 1] = deaths;
    const delay = deaths === 1 ? 0 : Math.min(FIRST_DELAY * 2 ** (deaths - 2), LONGEST_DELAY);
    const then = this.#stopping
      ? ''
      : delay === 0
        ? ': another takes its place'
        : `: another follows in ${delay} ms`;
    this.#options.logger.error({ worker: number, err: reason }, `worker ${number} died${then}`);
    if (this.#stopping) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#replace(thread);
    }, delay);
    this.#timers.add(timer);
  }

  #replace(dead: WorkerThread): void {
    const thread = this.#options.start(dead.number);
    this.#threads[dead.number - 1] = thread;
    this.#options.onReplaced(dead);
    this.restarts++;
    thread.ready.then(
      () => this.#options.logger.info({ worker: thread.number }, `worker ${thread.number} serves again`),
      () => {},
    );
    this.#watch(thread);
  }

  readonly #wake = (): void => {
    for (const thread of this.#threads) thread.wake();
  };
}
