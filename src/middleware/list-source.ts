/**
 * The source of lists that hooks share among threads. It looks at every part twice a second. What has changed is
 * read once, here; the hooks of all threads have it from then on.
 *
 *     part ── part ── part          look, read
 *        └──────┴──────┴── value ── publish ──▶ hooks       only if what they hold is not the same memory
 */

import type { ListPart } from './list-part.ts';
import type { SharedSource, SourceDependencies } from './middleware.ts';

/** Milliseconds between two looks. A change is taken when it has been at rest, and so a second after it at most. */
const INTERVAL = 500;

export interface ListSourceOptions<Part, Value> {
  /** The name of the hook. */
  readonly hook: string;
  readonly parts: readonly ListPart<Part>[];
  /** What hooks are given of the parts' values. */
  readonly combine: (parts: readonly Part[]) => Value;
  readonly follower?: ListFollower | undefined;
}

/** What has something to do after each change. */
export interface ListFollower {
  /** Called at the start, too. */
  changed(): void;
  stop(): Promise<void>;
}

export class ListSource<Part, Value> implements SharedSource<Value> {
  value: Value;
  readonly #options: ListSourceOptions<Part, Value>;
  readonly #dependencies: SourceDependencies<Value>;
  #parts: readonly Part[];
  #reloads = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  /** Reads every part; rejects if one cannot be read. */
  static async open<Part, Value>(
    options: ListSourceOptions<Part, Value>,
    dependencies: SourceDependencies<Value>,
  ): Promise<ListSource<Part, Value>> {
    for (const part of options.parts) await part.load();
    return new ListSource(options, dependencies);
  }

  private constructor(options: ListSourceOptions<Part, Value>, dependencies: SourceDependencies<Value>) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#parts = options.parts.map(({ contents }) => contents.value);
    this.value = options.combine(this.#parts);
    this.#register();
    options.follower?.changed();
    this.#wait();
  }

  /** Reads everything that is at rest. */
  async refresh(): Promise<void> {
    for (const part of this.#options.parts) part.forget();
    await this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#options.follower?.stop();
  }

  #wait(): void {
    this.#timer = setTimeout(async () => {
      await this.#look();
      if (!this.#stopped) this.#wait();
    }, INTERVAL);
    this.#timer.unref();
  }

  /** One look after another. */
  #look(): Promise<void> {
    this.#looking = this.#looking
      .then(() => this.#lookOnce())
      .catch((error) => this.#dependencies.logger.error({ err: error }, 'lists could not be looked at'));
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const { logger } = this.#dependencies;
    const { parts, follower } = this.#options;
    let changed = false;
    for (const part of parts) {
      const { read, faults } = await part.look();
      for (const fault of faults) {
        this.#failures++;
        logger.error(`${fault}; the list stays as it was`);
      }
      if (!read) continue;
      changed = true;
      this.#reloads++;
      logger.info({ list: part.name, entries: part.contents.size }, 'a list has changed, and was read');
    }
    if (!changed) return;
    this.#publish();
    follower?.changed();
  }

  /** Tells the hooks of parts that are not the memory that they have already. */
  #publish(): void {
    const { parts, combine } = this.#options;
    const values = parts.map(({ contents }) => contents.value);
    if (values.every((value, i) => value === this.#parts[i])) return;
    this.#parts = values;
    this.value = combine(values);
    this.#dependencies.publish(this.value);
  }

  #register(): void {
    const { metrics } = this.#dependencies;
    const { hook, parts } = this.#options;
    const register = (name: string, type: 'counter' | 'gauge', help: string, value: () => number) =>
      metrics.register({ name, help, type, collect: () => [{ labels: { hook }, value: value() }] });
    register('chihaya_hook_list_entries', 'gauge', 'Entries of the lists of hooks', () =>
      parts.reduce((sum, { contents }) => sum + contents.size, 0),
    );
    register(
      'chihaya_hook_list_reloads_total',
      'counter',
      'Lists of hooks that were read anew because they had changed',
      () => this.#reloads,
    );
    register(
      'chihaya_hook_list_reload_failures_total',
      'counter',
      'Changed lists of hooks that could not be read, so that the old ones stayed',
      () => this.#failures,
    );
  }
}
