/**
 * A tracker, built out of its parts and taken down again.
 *
 *     open:  metrics server ── store ── hooks ── logic ── frontends
 *     stop:  the same from right to left
 *
 * The metrics server is opened first and closed last so that it can be watched how a tracker stops.
 * If one part fails to open, those before it are closed and the failure is the caller's to tell. Either all
 * parts are in this thread (single-thread.ts), or several workers have hooks, logic and frontends each
 * (supervisor.ts).
 */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { BoundAddress } from '../frontend/frontend.ts';
import type { PeerStore } from '../storage/storage.ts';
import { Closers } from './closers.ts';
import type { MetricsSource } from './metric-report.ts';
import { MetricSet } from './metric-set.ts';
import { MetricsServer } from './metrics-server.ts';
import { tellConfiguration } from './open-component.ts';
import type { SharedSources } from './shared-sources.ts';
import { openSingleThread } from './single-thread.ts';
import { Supervisor } from './supervisor.ts';
import type { TrackerConfig, TrackerDependencies, TrackerParts } from './tracker-parts.ts';
import { workerCount } from './worker-count.ts';

/** A running tracker. */
export class Tracker {
  /** Who is in which swarm. It may be read and written from outside, too. */
  readonly store: PeerStore;
  /** What the frontends ask; a frontend of the embedder's own may ask it, too. With several workers each has its own. */
  readonly logic: TrackerLogic;
  /** Every address that is served, with the port the system gave where 0 was asked for. */
  readonly addresses: readonly BoundAddress[];
  /** Where the metrics server listens, if there is one. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | undefined;
  readonly #sources: SharedSources;
  readonly #metrics: MetricsSource;
  readonly #closers: Closers;
  #stopped: Promise<void> | undefined;

  private constructor(parts: TrackerParts, metricsServer: MetricsServer | undefined, closers: Closers) {
    this.store = parts.store;
    this.logic = parts.logic;
    this.addresses = parts.addresses;
    this.metricsAddress = metricsServer && { host: metricsServer.host, port: metricsServer.port };
    this.#sources = parts.sources;
    this.#metrics = parts.metrics;
    this.#closers = closers;
  }

  /** Rejects, with everything closed again, if a part cannot be opened. */
  static async start(config: TrackerConfig, { logger, clock }: TrackerDependencies): Promise<Tracker> {
    const closers = new Closers(logger);
    try {
      tellConfiguration(config, logger);
      const metrics = new MetricSet();
      let parts: TrackerParts | undefined;
      const source = { text: () => (parts?.metrics ?? metrics).text() };
      const metricsServer =
        config.metricsAddr && (await MetricsServer.start(config.metricsAddr, source, logger));
      if (metricsServer) closers.push(() => metricsServer.stop());

      const workers = await workerCount(config.workers, logger);
      const dependencies = { logger, clock, metrics, closers };
      parts =
        workers === 1
          ? await openSingleThread(config, dependencies)
          : await Supervisor.start(config, workers, dependencies);
      return new Tracker(parts, metricsServer, closers);
    } catch (error) {
      await closers.closeAll();
      throw error;
    }
  }

  /** Everything measured so far, in the Prometheus text format. */
  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  /** Has the hooks read their lists and keys anew. What cannot be read is logged, and what was there stays. */
  refresh(): Promise<void> {
    return this.#sources.refresh();
  }

  /**
   * Takes no new requests, answers those under way, runs their PostHooks, stops hooks and store.
   * Resolves when the last of that is done; a second call returns the same promise.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#closers.closeAll();
    return this.#stopped;
  }
}
