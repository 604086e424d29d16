/**
 * What every store does by itself: garbage collection every `gc_interval`, and its totals and the time
 * collections take as metrics.
 */

import { isPromise } from '../pkg/maybe-promise.ts';
import { DurationHistogram, single } from '../pkg/metrics.ts';
import type { StorageDependencies } from './driver.ts';
import type { PeerStore, StoreTotals } from './storage.ts';
import type { StoreOptions } from './store-options.ts';

/** What upkeep is done with. */
type Kept = Pick<PeerStore, 'collectGarbage' | 'totals'>;

/** The longest delay that timers take. */
const MAX_DELAY = 2 ** 31 - 1;

export class Upkeep {
  readonly #store: Kept;
  readonly #dependencies: StorageDependencies;
  readonly #durations = new DurationHistogram();
  #options: StoreOptions;
  #collectionTimer: NodeJS.Timeout;
  #reportTimer: NodeJS.Timeout;
  #totals: StoreTotals = { infohashes: 0, seeders: 0, leechers: 0 };
  #collection: Promise<void> | undefined;
  #reporting = false;

  constructor(store: Kept, options: StoreOptions, dependencies: StorageDependencies) {
    this.#store = store;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#collectionTimer = this.#everyGcInterval();
    this.#reportTimer = this.#everyReportingInterval();
    this.#register();
    this.#report();
  }

  /** Goes on with other options. A timer begins anew if its interval is another. */
  tune(options: StoreOptions): void {
    const before = this.#options;
    this.#options = options;
    if (options.gc_interval !== before.gc_interval) {
      clearInterval(this.#collectionTimer);
      this.#collectionTimer = this.#everyGcInterval();
    }
    if (options.prometheus_reporting_interval !== before.prometheus_reporting_interval) {
      clearInterval(this.#reportTimer);
      this.#reportTimer = this.#everyReportingInterval();
    }
  }

  /** Stops the timers. Resolves when a collection under way has ended; the store must make it end. */
  async stop(): Promise<void> {
    clearInterval(this.#collectionTimer);
    clearInterval(this.#reportTimer);
    await this.#collection;
  }

  #everyGcInterval(): NodeJS.Timeout {
    return setInterval(() => this.#collect(), Math.min(this.#options.gc_interval, MAX_DELAY)).unref();
  }

  #everyReportingInterval(): NodeJS.Timeout {
    const interval = Math.min(this.#options.prometheus_reporting_interval, MAX_DELAY);
    return setInterval(() => this.#report(), interval).unref();
  }

  #collect(): void {
    // A collection that takes longer than the interval is not joined by a second one.
    this.#collection ??= this.#collectOnce().finally(() => {
      this.#collection = undefined;
    });
  }

  async #collectOnce(): Promise<void> {
    const start = performance.now();
    try {
      await this.#store.collectGarbage(this.#dependencies.clock.now() - this.#options.peer_lifetime);
    } catch (error) {
      this.#dependencies.logger.error({ err: error }, 'garbage collection failed; it is tried again');
    }
    const milliseconds = performance.now() - start;
    this.#durations.record(0, milliseconds);
    this.#dependencies.logger.debug({ milliseconds: Math.round(milliseconds) }, 'collected garbage');
  }

  #report(): void {
    // A store behind a network may take longer than the interval.
    if (this.#reporting) return;
    const totals = this.#store.totals();
    if (isPromise(totals)) void this.#reportLater(totals);
    else this.#totals = totals;
  }

  /** Totals that cannot be had now stay as they were. */
  async #reportLater(totals: Promise<StoreTotals>): Promise<void> {
    this.#reporting = true;
    try {
      this.#totals = await totals;
    } catch (error) {
      this.#dependencies.logger.debug({ err: error }, 'the totals of the store are not to be had');
    } finally {
      this.#reporting = false;
    }
  }

  #register(): void {
    const { metrics } = this.#dependencies;
    const gauge = (name: string, help: string, value: () => number) =>
      metrics.register(single(name, 'gauge', help, value));
    gauge('chihaya_storage_infohashes_count', 'The number of swarms tracked', () => this.#totals.infohashes);
    gauge('chihaya_storage_seeders_count', 'The number of seeders tracked', () => this.#totals.seeders);
    gauge('chihaya_storage_leechers_count', 'The number of leechers tracked', () => this.#totals.leechers);
    metrics.register({
      name: 'chihaya_storage_gc_duration_milliseconds',
      help: 'The time it takes to perform storage garbage collection, in milliseconds',
      type: 'histogram',
      collect: () => this.#durations.samples(0, {}),
    });
  }
}
