/**
 * The sources of what hooks share among threads: one for each configured hook whose driver has `share`.
 *
 *     source ── publish ──▶ SharedValue of the hook in this thread
 *        ▲            └───▶ onPublish: to the workers, each of which has a SharedValue of its own
 *        └── receive ────── ask, from any of them
 */

import type { SharedSource } from '../middleware/middleware.ts';
import type { Logger } from '../pkg/logger.ts';
import type { PeerStore } from '../storage/storage.ts';
import { Closers } from './closers.ts';
import { openComponent } from './open-component.ts';
import type { HookSupplies } from './serving.ts';
import { SharedValue } from './shared-value.ts';
import { SummingRegistry } from './summing-registry.ts';
import type { HooksDependencies, TrackerConfig } from './tracker-parts.ts';

/** Told of a value for the hook at `index`, PreHooks first, PostHooks after them. */
export type OnPublish = (index: number, value: unknown) => void;

export class SharedSources {
  readonly #sources: (SharedSource | undefined)[] = [];
  readonly #values: SharedValue[] = [];
  readonly #closers: Closers;

  /** Rejects, with the sources stopped that were made already, if one cannot be made. */
  static async open(
    config: TrackerConfig,
    store: PeerStore,
    dependencies: HooksDependencies,
    onPublish: OnPublish = () => {},
  ): Promise<SharedSources> {
    const sources = new SharedSources(dependencies);
    try {
      for (const chosen of [...config.prehooks, ...config.posthooks]) {
        await sources.#open(chosen, store, dependencies, onPublish);
      }
      return sources;
    } catch (error) {
      await sources.stop();
      throw error;
    }
  }

  private constructor({ logger }: HooksDependencies) {
    this.#closers = new Closers(logger);
  }

  /** What each hook in this thread sees. */
  get shared(): readonly SharedValue[] {
    return this.#values;
  }

  /** What each hook of another thread begins with. */
  get values(): unknown[] {
    return this.#values.map(({ value }) => value);
  }

  /** Passes on what the hook at `index` has asked for, in whichever thread. */
  ask(index: number, message: unknown): void {
    this.#sources[index]?.receive?.(message);
  }

  /** Has every source read anew what it was made from. */
  async refresh(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source?.refresh?.()));
  }

  stop(): Promise<void> {
    return this.#closers.closeAll();
  }

  async #open(
    chosen: TrackerConfig['prehooks'][number],
    store: PeerStore,
    { logger, metrics }: HooksDependencies,
    onPublish: OnPublish,
  ): Promise<void> {
    const index = this.#values.length;
    const value = new SharedValue(undefined, (message) => this.ask(index, message));
    this.#values.push(value);
    const publish = (published: unknown) => {
      value.set(published);
      onPublish(index, published);
    };
    const source = await openComponent(chosen, logger, (driver, options, own) =>
      driver.share?.(options, { logger: own, metrics, store, publish }),
    );
    this.#sources.push(source);
    if (!source) return;
    value.set(source.value);
    this.#closers.push(() => source.stop?.());
  }
}

/**
 * Opens the sources of a configuration's hooks, and then what needs them. Rejects, with the sources stopped again, if
 * that rejects.
 */
export async function openWithSources<T>(
  config: TrackerConfig,
  store: PeerStore,
  logger: Logger,
  make: (supplies: HookSupplies, sources: SharedSources) => Promise<T>,
  onPublish?: OnPublish,
): Promise<{ readonly sources: SharedSources; readonly made: T }> {
  const metrics = new SummingRegistry();
  const sources = await SharedSources.open(config, store, { logger, metrics }, onPublish);
  try {
    return { sources, made: await make({ shared: sources.shared, metrics }, sources) };
  } catch (error) {
    await sources.stop();
    throw error;
  }
}
