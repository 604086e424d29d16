/**
 * The thread above several workers. It serves no clients: it shares its store, keeps that in order, sums
 * metrics, writes the log, and leads the workers from one configuration to the next. See docs/workers.md.
 *
 *     supervisor ─┬─ worker 1   hooks ── logic ── frontends ┐
 *      store,     ├─ worker 2   hooks ── logic ── frontends ├ the same ports (SO_REUSEPORT)
 *      metrics    └─ worker N   hooks ── logic ── frontends ┘
 */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { BoundAddress, PreparedChange } from '../frontend/frontend.ts';
import { BoundSockets } from '../pkg/bound-sockets.ts';
import { type Libc, loadLibc } from '../pkg/libc.ts';
import { sameAddress } from '../pkg/listen-address.ts';
import type { Logger } from '../pkg/logger.ts';
import type { StorageHost } from '../storage/driver.ts';
import type { PeerStore } from '../storage/storage.ts';
import { listenAddresses } from './listen-addresses.ts';
import { LoadingWorker } from './loading-worker.ts';
import { openComponent, tuneStore } from './open-component.ts';
import type { Patience } from './patience.ts';
import { Profiles } from './profiles/profiles.ts';
import { Serving } from './serving.ts';
import { type SettledFrontends, settleFrontends } from './settle-frontends.ts';
import { openWithSources, type SharedSources } from './shared-sources.ts';
import { SummedMetrics } from './summed-metrics.ts';
import {
  type PartsChange,
  type PartsDependencies,
  type TrackerConfig,
  type TrackerParts,
  takesProfiles,
} from './tracker-parts.ts';
import { checkPool } from './worker-count.ts';
import type { WorkerConfig } from './worker-messages.ts';
import { registerWorkerMetrics } from './worker-metrics.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkerThread } from './worker-thread.ts';

/** The store's own number in it is 1, that of worker n is n + 1. */
const FIRST_THREAD = 2;

/** What one configuration amounts to in this thread. */
interface Generation {
  readonly config: WorkerConfig;
  readonly frontends: SettledFrontends;
  readonly sources: SharedSources;
}

/** What is open before there are workers. */
interface Base {
  readonly store: PeerStore;
  readonly host: StorageHost | undefined;
  readonly libc: Libc;
  readonly bound: BoundSockets;
  readonly serving: Serving;
  readonly generation: Generation;
  readonly profiles: Profiles | undefined;
}

export class Supervisor implements TrackerParts {
  readonly store: PeerStore;
  readonly metrics: SummedMetrics;
  readonly profiles: Profiles | undefined;
  addresses: readonly BoundAddress[] = [];
  readonly #logger: Logger;
  readonly #host: StorageHost | undefined;
  readonly #libc: Libc;
  /** Kept for workers yet to come, too. */
  readonly #bound: BoundSockets;
  /** Hooks and logic of this thread's own, for whoever asks `logic`. */
  readonly #serving: Serving;
  readonly #pool: WorkerPool;
  /** By number, those that a worker may still use. */
  readonly #generations = new Map<number, Generation>();
  #inForce: Generation;
  #latest = 0;
  /** Until the first worker, the one that is started first, is told what to serve. */
  #loading: LoadingWorker | undefined;

  /** Resolves when all workers serve. What is open is closed by `dependencies.closers`. */
  static async start(
    config: TrackerConfig,
    workers: number,
    dependencies: PartsDependencies,
  ): Promise<Supervisor> {
    const { logger, clock, metrics, closers, bound = new BoundSockets([]) } = dependencies;
    let supervisor: Supervisor | undefined;
    // First: who allocates is noted from here on.
    const profiles = takesProfiles(config)
      ? await Profiles.open('supervisor', () => supervisor?.threads ?? [])
      : undefined;
    if (profiles) closers.push(() => profiles.close());
    let host: StorageHost | undefined;
    const store = await openComponent(config.storage, logger, async (driver, options, own) => {
      const storage = { logger: own, metrics, clock, upkeep: true };
      host = await driver.host?.(options, storage);
      return host?.store ?? driver.open(options, storage);
    });
    closers.push(() => store.stop());
    const libc = await loadLibc();
    checkPool(workers, logger);
    const frontends = await settleFrontends(config, undefined, logger, bound);
    let publish = (_hook: number, _value: unknown): void => {};
    const { sources, made: serving } = await openWithSources(
      config,
      store,
      logger,
      (supplies) =>
        Serving.open(withoutFrontends(config), supplies, { store, logger, metrics, reusePort: true }),
      (hook, value) => publish(hook, value),
    );
    const generation = { config: forWorkers(0, config, frontends), frontends, sources };
    const base = { store, host, libc, bound, serving, generation, profiles };
    const started = new Supervisor(base, workers, dependencies);
    supervisor = started;
    publish = (hook, value) => started.#publish(0, hook, value);
    closers.push((patience) => started.#stop(patience));
    await started.#pool.start();
    started.addresses = started.threads[0]?.addresses ?? [];
    return started;
  }

  private constructor(base: Base, workers: number, { logger, metrics, firstWorker }: PartsDependencies) {
    this.store = base.store;
    this.profiles = base.profiles;
    this.#host = base.host;
    this.#libc = base.libc;
    this.#bound = base.bound;
    this.#serving = base.serving;
    this.#inForce = base.generation;
    this.#generations.set(base.generation.config.number, base.generation);
    this.#logger = logger;
    this.#loading = firstWorker;
    const pool = new WorkerPool({
      count: workers,
      logger,
      start: (number) => this.#startWorker(number),
      onDeath: ({ number }) => this.#host?.bury(FIRST_THREAD + number - 1),
      onReplaced: ({ reports }) => this.metrics.retire(reports),
    });
    this.#pool = pool;
    this.metrics = new SummedMetrics(metrics, () => pool.threads);
    registerWorkerMetrics(metrics, {
      serving: () => this.serving,
      restarts: () => pool.restarts,
    });
  }

  get logic(): TrackerLogic {
    return this.#serving.logic;
  }

  get serving(): number {
    return this.threads.filter(({ serving }) => serving).length;
  }

  /** The workers by number, the first being worker 1. */
  get threads(): readonly WorkerThread[] {
    return this.#pool.threads;
  }

  refresh(): Promise<void> {
    return this.#inForce.sources.refresh();
  }

  /** All workers make ready, and then go over. One that refuses keeps all where they are. */
  async prepare(config: TrackerConfig): Promise<PartsChange> {
    const number = ++this.#latest;
    const frontends = await settleFrontends(config, this.#inForce.frontends, this.#logger, this.#bound);
    const own = forWorkers(number, config, frontends);
    const { sources, made } = await openWithSources(
      config,
      this.store,
      this.#logger,
      async (supplies, opened) => {
        const serving = await this.#serving.prepare(withoutFrontends(config), supplies);
        this.#generations.set(number, { config: own, frontends, sources: opened });
        try {
          return { serving, ready: await this.#pool.prepare(own, opened.values) };
        } catch (error) {
          await this.#abandon(number, serving);
          throw error;
        }
      },
      (hook, value) => this.#publish(number, hook, value),
    );
    return {
      commit: () => this.#commit({ config: own, frontends, sources }, config, made),
      abandon: async () => {
        await this.#abandon(number, made.serving);
        await sources.stop();
      },
    };
  }

  /** Resolves when the workers have gone over. */
  async #commit(
    next: Generation,
    config: TrackerConfig,
    { serving, ready }: { readonly serving: PreparedChange; readonly ready: readonly WorkerThread[] },
  ): Promise<void> {
    const before = this.#inForce;
    this.#inForce = next;
    tuneStore(this.store, config);
    const { committed, retired } = this.#pool.commit(next.config.number, ready);
    void Promise.allSettled([retired, serving.commit()]).then(() => {
      this.#generations.delete(before.config.number);
      return before.sources.stop();
    });
    await committed;
    this.#releaseAllBut(config);
    this.addresses = (ready.find(({ alive }) => alive) ?? this).addresses;
  }

  #abandon(number: number, serving: PreparedChange): Promise<void> {
    this.#generations.delete(number);
    this.#pool.abandon(number);
    return serving.abandon();
  }

  #publish(config: number, hook: number, value: unknown): void {
    this.#pool.publish({ kind: 'publish', config, hook, value });
  }

  #startWorker(number: number): WorkerThread {
    const worker = this.#loading ?? new LoadingWorker(number);
    this.#loading = undefined;
    return new WorkerThread(
      worker,
      {
        number,
        thread: FIRST_THREAD + number - 1,
        config: this.#inForce.config,
        invitation: this.#host && { of: this.#host.invitation },
        bound: this.#bound.ofWorker(number),
      },
      {
        logger: this.#logger,
        libc: this.#libc,
        admit: (config) => ({ store: this.#host?.admit(), shared: this.#sources(config)?.values ?? [] }),
        ask: (config, hook, message) => this.#sources(config)?.ask(hook, message),
      },
    );
  }

  /** `undefined` for a configuration that is gone, and with it all workers that served by it. */
  #sources(config: number): SharedSources | undefined {
    return this.#generations.get(config)?.sources;
  }

  /** What nobody reads any more has to refuse clients, not to let them wait. */
  #releaseAllBut(config: TrackerConfig): void {
    const wanted = listenAddresses(config);
    this.#bound.release(
      this.#libc,
      (socket) =>
        !wanted.some(({ type, address }) => type === socket.type && sameAddress(address, socket.address)),
    );
  }

  async #stop(patience: Patience): Promise<void> {
    this.#bound.release(this.#libc);
    await this.#pool.stop(patience);
    await this.#serving.stop(patience);
    await patience.waitFor('the source of what hooks share', this.#inForce.sources.stop());
  }
}

function forWorkers(
  number: number,
  { given, directory }: TrackerConfig,
  { options }: SettledFrontends,
): WorkerConfig {
  return { number, given, directory, frontends: options };
}

/** The workers have them. */
function withoutFrontends(config: TrackerConfig): TrackerConfig {
  return { ...config, frontends: [] };
}
