/**
 * The composition root: builds a tracker out of its parts and takes it down again.
 *
 *     open:  metrics server ── store ── hooks ── logic ── frontends
 *     stop:  the same from right to left
 *
 * The metrics server is opened first and closed last so that it can be watched how a tracker stops.
 * If one part fails to open, those before it are closed and the failure is the caller's to tell.
 */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { Chosen, Component } from '../config/component.ts';
import type { Config } from '../config/parse.ts';
import type { BoundAddress, Frontend, FrontendDriver } from '../frontend/frontend.ts';
import type { NamedHook } from '../middleware/hook-chain.ts';
import { Logic } from '../middleware/logic.ts';
import type { HookDriver } from '../middleware/middleware.ts';
import type { Clock } from '../pkg/clock.ts';
import type { Logger } from '../pkg/logger.ts';
import type { StorageDriver } from '../storage/driver.ts';
import type { PeerStore } from '../storage/storage.ts';
import { MetricSet } from './metric-set.ts';
import { MetricsServer } from './metrics-server.ts';

export type TrackerConfig = Config<FrontendDriver, StorageDriver, HookDriver>;

export interface TrackerDependencies {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A running tracker. */
export class Tracker {
  /** Who is in which swarm. It may be read and written from outside, too. */
  readonly store: PeerStore;
  /** What the frontends ask; a frontend of the embedder's own may ask it, too. */
  readonly logic: TrackerLogic;
  /** Every address that is served, with the port the system gave where 0 was asked for. */
  readonly addresses: readonly BoundAddress[];
  /** Where the metrics server listens, if there is one. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | undefined;
  readonly #metrics: MetricSet;
  readonly #close: () => Promise<void>;
  #stopped: Promise<void> | undefined;

  private constructor(
    store: PeerStore,
    logic: TrackerLogic,
    frontends: readonly Frontend[],
    metrics: MetricSet,
    metricsServer: MetricsServer | undefined,
    close: () => Promise<void>,
  ) {
    this.store = store;
    this.logic = logic;
    this.addresses = frontends.flatMap(({ addresses }) => addresses);
    this.metricsAddress = metricsServer && { host: metricsServer.host, port: metricsServer.port };
    this.#metrics = metrics;
    this.#close = close;
  }

  /** Rejects, with everything closed again, if a part cannot be opened. */
  static async start(config: TrackerConfig, { logger, clock }: TrackerDependencies): Promise<Tracker> {
    const closers: (() => Promise<void>)[] = [];
    const close = () => closeInReverse(closers, logger);
    try {
      tellConfiguration(config, logger);
      const metrics = new MetricSet();
      const metricsServer =
        config.metricsAddr && (await MetricsServer.start(config.metricsAddr, metrics, logger));
      if (metricsServer) closers.push(() => metricsServer.stop());

      const store = await open(config.storage, logger, (driver, options, own) =>
        driver.open(options, { logger: own, metrics, clock }),
      );
      closers.push(() => store.stop());

      const hooks = await createHooks([...config.prehooks, ...config.posthooks], logger);
      const { announceInterval, minAnnounceInterval } = config;
      const logic = new Logic({
        store,
        preHooks: hooks.slice(0, config.prehooks.length),
        postHooks: hooks.slice(config.prehooks.length),
        announceInterval,
        minAnnounceInterval,
        logger,
      });
      closers.push(() => logic.stop());

      const frontends: Frontend[] = [];
      // All at once: none takes new requests while another still answers its last.
      const stopFrontend = (frontend: Frontend) => closeInReverse([() => frontend.stop()], logger);
      closers.push(async () => void (await Promise.all(frontends.map(stopFrontend))));
      for (const chosen of config.frontends) {
        frontends.push(
          await open(chosen, logger, (driver, options, own) =>
            driver.open(options, { logic, logger: own, metrics, reusePort: false }),
          ),
        );
      }
      return new Tracker(store, logic, frontends, metrics, metricsServer, close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Everything measured so far, in the Prometheus text format. */
  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  /**
   * Takes no new requests, answers those under way, runs their PostHooks, stops hooks and store.
   * Resolves when the last of that is done; a second call returns the same promise.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }
}

function tellConfiguration(config: TrackerConfig, logger: Logger): void {
  for (const warning of config.warnings) logger.warn(warning);
  logger.info({ config: config.shown }, 'tracker configuration');
  if (config.frontends.length === 0) logger.warn('no frontend is configured: nobody will be answered');
}

/** Opens one component with a logger of its own; a failure is told with the component's name. */
async function open<C extends Component, T>(
  chosen: Chosen<C>,
  logger: Logger,
  how: (component: C, options: unknown, logger: Logger) => T | Promise<T>,
): Promise<T> {
  const { component, options, shown } = chosen;
  const own = logger.child({ component: component.name });
  own.info({ config: shown }, `${component.name} configuration`);
  try {
    return await how(component, options, own);
  } catch (error) {
    throw new Error(`${component.name}: ${(error as Error).message}`, { cause: error });
  }
}

async function createHooks(chosen: readonly Chosen<HookDriver>[], logger: Logger): Promise<NamedHook[]> {
  const hooks: NamedHook[] = [];
  try {
    for (const each of chosen) {
      const hook = await open(each, logger, (driver, options, own) =>
        driver.create(options, { logger: own }),
      );
      hooks.push({ name: each.component.name, hook });
    }
    return hooks;
  } catch (error) {
    await closeInReverse(
      hooks.map(
        ({ hook }) =>
          async () =>
            hook.stop?.(),
      ),
      logger,
    );
    throw error;
  }
}

/** One that fails is logged, and keeps none of the others open. */
async function closeInReverse(closers: readonly (() => Promise<void>)[], logger: Logger): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      logger.error({ err: error }, 'a part of the tracker failed to stop');
    }
  }
}
