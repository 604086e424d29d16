/**
 * A tracker, built out of its parts, changed while it runs, and taken down again.
 *
 *     open:    metrics server ── store ── hooks ── logic ── frontends
 *     reload:  all that is new is made ready in the same order; if nothing fails, it takes effect at once
 *     stop:    from right to left
 *
 * The metrics server is opened first and closed last so that it can be watched how a tracker stops.
 * If one part fails to open, those before it are closed and the failure is the caller's to tell. Either all
 * parts are in this thread (single-thread.ts), or several workers have hooks, logic and frontends each
 * (supervisor.ts).
 */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { BoundAddress } from '../frontend/frontend.ts';
import type { PeerStore } from '../storage/storage.ts';
import { applicable } from './applicable.ts';
import { registerBuildInfo } from './build-info.ts';
import { Closers } from './closers.ts';
import { Health } from './health.ts';
import { MetricSet } from './metric-set.ts';
import { MetricsEndpoint } from './metrics-endpoint.ts';
import { tellConfiguration } from './open-component.ts';
import { healthPages } from './pages/health-pages.ts';
import { metricsPage } from './pages/metrics-page.ts';
import { profilePages } from './pages/profile-pages.ts';
import { Patience } from './patience.ts';
import { Reloads } from './reloads.ts';
import { SingleThread } from './single-thread.ts';
import { Supervisor } from './supervisor.ts';
import { tellFailure, tellServed } from './tell.ts';
import {
  type PartsDependencies,
  type TrackerConfig,
  type TrackerDependencies,
  type TrackerParts,
  takesProfiles,
} from './tracker-parts.ts';
import { workerCount } from './worker-count.ts';

/** Reads a configuration. Throws a ConfigError with every mistake in it. */
export type ReadConfig = () => TrackerConfig | Promise<TrackerConfig>;

/** A running tracker. */
export class Tracker {
  readonly #dependencies: PartsDependencies;
  readonly #parts: TrackerParts;
  readonly #endpoint: MetricsEndpoint;
  readonly #health: Health;
  readonly #reloads: Reloads;
  #config: TrackerConfig;
  #read: ReadConfig;
  #stopped: Promise<void> | undefined;

  /** Rejects, with everything closed again, if a part cannot be opened. */
  static async start(config: TrackerConfig, given: TrackerDependencies): Promise<Tracker> {
    const { logger, firstWorker, bound } = given;
    const closers = new Closers(logger);
    try {
      tellConfiguration(config, logger);
      const metrics = new MetricSet();
      registerBuildInfo(metrics);
      let parts: TrackerParts | undefined;
      const health = new Health();
      const pages = [
        metricsPage({ text: () => (parts?.metrics ?? metrics).text() }),
        ...healthPages(health),
        ...(takesProfiles(config) ? profilePages(() => parts?.profiles) : []),
      ];
      const endpoint = new MetricsEndpoint(pages, logger, bound);
      await (await endpoint.prepare(config.metricsAddr)).commit();
      closers.push(() => endpoint.stop());

      const workers = await workerCount(config.workers, logger);
      const dependencies = { ...given, metrics, closers };
      if (workers === 1) void firstWorker?.thread.terminate();
      parts =
        workers === 1
          ? await SingleThread.open(config, dependencies)
          : await Supervisor.start(config, workers, dependencies);
      health.started(parts);
      return new Tracker(config, parts, endpoint, health, dependencies);
    } catch (error) {
      await closers.closeAll();
      throw error;
    }
  }

  private constructor(
    config: TrackerConfig,
    parts: TrackerParts,
    endpoint: MetricsEndpoint,
    health: Health,
    dependencies: PartsDependencies,
  ) {
    this.#config = config;
    this.#parts = parts;
    this.#endpoint = endpoint;
    this.#health = health;
    this.#dependencies = dependencies;
    this.#read = () => config;
    this.#reloads = new Reloads(() => this.#reload(), dependencies);
  }

  /** Who is in which swarm. It may be read and written from outside, too. */
  get store(): PeerStore {
    return this.#parts.store;
  }

  /**
   * What the frontends ask; a frontend of the embedder's own may ask it, too: a reload puts another in its place. With
   * several workers each has its own.
   */
  get logic(): TrackerLogic {
    return this.#parts.logic;
  }

  /** Every address that is served, with the port the system gave where 0 was asked for. */
  get addresses(): readonly BoundAddress[] {
    return this.#parts.addresses;
  }

  /** Where the metrics server listens, if there is one. */
  get metricsAddress(): { readonly host: string; readonly port: number } | undefined {
    return this.#endpoint.bound;
  }

  /** Everything measured so far, in the Prometheus text format. */
  metrics(): Promise<string> {
    return this.#parts.metrics.text();
  }

  /** Has the hooks read their lists and keys anew. What cannot be read is logged, and what was there stays. */
  refresh(): Promise<void> {
    return this.#parts.refresh();
  }

  /**
   * Goes on with another configuration, as far as it can change while the tracker runs. Resolves when it is in force.
   * Rejects if there is a mistake in it or a part of it cannot be opened: that is logged, and nothing has changed. Calls
   * during a reload come to one more, which follows it and has the last call's.
   *
   * @internal programs that embed the tracker have `reloadTracker`
   */
  reload(read: ReadConfig): Promise<void> {
    this.#read = read;
    return this.#reloads.request();
  }

  /**
   * Takes no new requests, answers those under way, runs their PostHooks, stops hooks and store. What takes longer than
   * `shutdown_timeout` is logged and cut off. Resolves when the last of that is done; a second call returns the same
   * promise.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #reload(): Promise<void> {
    const { logger } = this.#dependencies;
    try {
      const { config, kept } = applicable(this.#config, await this.#read());
      const endpoint = await this.#endpoint.prepare(config.metricsAddr);
      const change = await this.#parts.prepare(config).catch(async (error) => {
        await endpoint.abandon();
        throw error;
      });
      if (this.#stopped) {
        await Promise.all([change.abandon(), endpoint.abandon()]);
        throw new Error('it is stopping');
      }
      this.#config = config;
      void endpoint.commit();
      await change.commit();
      tellConfiguration(config, logger);
      for (const line of kept) logger.warn(line);
      tellServed(this, 'reloaded', logger);
    } catch (error) {
      tellFailure(error, 'the configuration was not reloaded, and the one before stays', logger);
      throw error;
    }
  }

  async #stop(): Promise<void> {
    this.#health.stopping();
    const { logger, closers } = this.#dependencies;
    const patience = new Patience(this.#config.shutdownTimeout, logger);
    const { underWay } = this.#reloads;
    if (underWay)
      await patience.waitFor(
        'a reload',
        underWay.catch(() => {}),
      );
    await closers.closeAll(patience);
  }
}
