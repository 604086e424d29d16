/**
 * The thread above several workers. It serves no clients: it shares its store, keeps that in order, sums
 * metrics, writes the log, and puts another worker in the place of one that dies. See docs/workers.md.
 *
 *     supervisor ─┬─ worker 1   hooks ── logic ── frontends ┐
 *      store,     ├─ worker 2   hooks ── logic ── frontends ├ the same ports (SO_REUSEPORT)
 *      metrics    └─ worker N   hooks ── logic ── frontends ┘
 */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { BoundAddress } from '../frontend/frontend.ts';
import { loadLibc } from '../pkg/libc.ts';
import type { Logger } from '../pkg/logger.ts';
import type { StorageHost } from '../storage/driver.ts';
import type { PeerStore } from '../storage/storage.ts';
import { HookMetrics } from './hook-metrics.ts';
import { openComponent } from './open-component.ts';
import { openLogic } from './open-logic.ts';
import { SharedSources } from './shared-sources.ts';
import { SummedMetrics } from './summed-metrics.ts';
import type { PartsDependencies, TrackerConfig, TrackerParts } from './tracker-parts.ts';
import { registerWorkerMetrics } from './worker-metrics.ts';
import { type WorkerDependencies, WorkerThread } from './worker-thread.ts';

/** The store's own number in it is 1, that of worker n is n + 1. */
const FIRST_THREAD = 2;

/** A worker that ends sooner than this after its start has not recovered (milliseconds). */
const RECOVERED = 10_000;

/** The delay before a worker is replaced that died again, doubled each time, and the longest. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 5_000;

export class Supervisor implements TrackerParts {
  readonly store: PeerStore;
  readonly logic: TrackerLogic;
  readonly sources: SharedSources;
  readonly metrics: SummedMetrics;
  addresses: readonly BoundAddress[] = [];
  readonly #host: StorageHost | undefined;
  readonly #logger: Logger;
  readonly #start: (number: number) => WorkerThread;
  readonly #deaths: number[];
  readonly #timers = new Set<NodeJS.Timeout>();
  #threads: WorkerThread[] = [];
  #restarts = 0;
  #stopping = false;

  /** Resolves when all workers serve. What is open is closed by `dependencies.closers`. */
  static async start(
    config: TrackerConfig,
    workers: number,
    dependencies: PartsDependencies,
  ): Promise<Supervisor> {
    const { logger, clock, metrics, closers } = dependencies;
    let host: StorageHost | undefined;
    const store = await openComponent(config.storage, logger, async (driver, options, own) => {
      const storage = { logger: own, metrics, clock, upkeep: true };
      host = await driver.host?.(options, storage);
      return host?.store ?? driver.open(options, storage);
    });
    closers.push(() => store.stop());
    const hookMetrics = new HookMetrics();
    metrics.include(() => hookMetrics.report());
    const hooks = { logger, metrics: hookMetrics };
    let supervisor: Supervisor | undefined;
    const sources = await SharedSources.open(config, store, hooks, (hook, value) => {
      for (const thread of supervisor?.threads ?? []) thread.publish(hook, value);
    });
    closers.push(() => sources.stop());
    const logic = await openLogic(config, store, sources.shared, hooks);
    closers.push(() => logic.stop());

    const frontends: unknown[] = [];
    for (const chosen of config.frontends) {
      frontends.push(
        await openComponent(chosen, logger, (driver, options, own) =>
          driver.settle ? driver.settle(options, { logger: own, workers }) : options,
        ),
      );
    }
    const threads: WorkerDependencies = {
      logger,
      libc: await loadLibc(),
      admit: () => ({ store: host?.admit(), shared: sources.values }),
      ask: (hook, message) => sources.ask(hook, message),
    };
    const invitation = host && { of: host.invitation };
    const { given, directory } = config;
    const start = (number: number) =>
      new WorkerThread(
        { number, thread: FIRST_THREAD + number - 1, given, directory, frontends, invitation },
        threads,
      );
    const started = new Supervisor({ store, logic, sources }, host, workers, start, dependencies);
    supervisor = started;
    closers.push(() => started.#stop());
    await started.#startAll(workers);
    return started;
  }

  private constructor(
    { store, logic, sources }: Pick<TrackerParts, 'store' | 'logic' | 'sources'>,
    host: StorageHost | undefined,
    workers: number,
    start: (number: number) => WorkerThread,
    { logger, metrics }: PartsDependencies,
  ) {
    this.store = store;
    this.logic = logic;
    this.sources = sources;
    this.#host = host;
    this.#start = start;
    this.#deaths = new Array<number>(workers).fill(0);
    this.#logger = logger;
    this.metrics = new SummedMetrics(metrics, () => this.#threads);
    registerWorkerMetrics(metrics, {
      serving: () => this.#threads.filter(({ serving }) => serving).length,
      restarts: () => this.#restarts,
    });
    // Node waits at its exit for all threads.
    process.once('exit', this.#wake);
  }

  /** The workers by number, the first being worker 1. */
  get threads(): readonly WorkerThread[] {
    return this.#threads;
  }

  async #startAll(workers: number): Promise<void> {
    this.#threads = Array.from({ length: workers }, (_, i) => this.#start(i + 1));
    const served = await Promise.all(this.#threads.map(({ ready }) => ready));
    this.addresses = served[0] ?? [];
    for (const thread of this.#threads) this.#watch(thread);
  }

  #watch(thread: WorkerThread): void {
    void thread.ended.then((reason) => {
      if (reason) this.#bury(thread, reason);
    });
  }

  #bury(thread: WorkerThread, reason: Error): void {
    const { number } = thread;
    this.#host?.bury(FIRST_THREAD + number - 1);
    const deaths = performance.now() - thread.startedAt < RECOVERED ? (this.#deaths[number - 1] ?? 0) + 1 : 1;
    this.#deaths[number - 1] = deaths;
    const delay = deaths === 1 ? 0 : Math.min(FIRST_DELAY * 2 ** (deaths - 2), LONGEST_DELAY);
    const then = this.#stopping
      ? ''
      : delay === 0
        ? ': another takes its place'
        : `: another follows in ${delay} ms`;
    this.#logger.error({ worker: number, err: reason }, `worker ${number} died${then}`);
    if (this.#stopping) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#replace(thread);
    }, delay);
    this.#timers.add(timer);
  }

  #replace(dead: WorkerThread): void {
    const thread = this.#start(dead.number);
    this.metrics.retire(dead.reports);
    this.#threads[dead.number - 1] = thread;
    this.#restarts++;
    thread.ready.then(
      () => this.#logger.info({ worker: thread.number }, `worker ${thread.number} serves again`),
      () => {},
    );
    this.#watch(thread);
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const thread of this.#threads) thread.stop();
    await Promise.all(this.#threads.map(({ ended }) => ended));
    process.off('exit', this.#wake);
  }

  readonly #wake = (): void => {
    for (const thread of this.#threads) thread.wake();
  };
}
