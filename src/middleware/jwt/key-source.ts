/**
 * The keys, fetched once for the hooks of all threads: at the start, every `jwk_set_update_interval`, and when a
 * hook has met a token whose key is not among them.
 *
 * That last is a lever for anybody who makes up key ids; hence the pause. Every ask is answered, by a value
 * that says so, since a request may be waiting for it.
 */

import type { SharedSource, SourceDependencies } from '../middleware.ts';
import type { JwtOptions } from './config.ts';
import { fetchKeys } from './fetch-keys.ts';

/** What hooks get. */
export interface SharedKeys {
  /** JSON Web Keys, each as JSON text. */
  readonly keys: readonly string[];
  /** How many asks have been answered so far. */
  readonly answered: number;
}

/** Milliseconds in which hooks can have the keys fetched once. */
export const PAUSE = 10_000;

export class KeySource implements SharedSource<SharedKeys> {
  value: SharedKeys = { keys: [], answered: 0 };
  readonly #url: string;
  readonly #dependencies: SourceDependencies<SharedKeys>;
  readonly #stopped = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** One fetch at a time; never rejects. */
  #queue: Promise<void> = Promise.resolve();
  #asking = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #fetched = 0;
  #failed = 0;

  /** Rejects if the first fetch fails. */
  static async open(options: JwtOptions, dependencies: SourceDependencies<SharedKeys>): Promise<KeySource> {
    const source = new KeySource(options, dependencies);
    try {
      await source.#fetch();
      return source;
    } catch (error) {
      source.stop();
      throw new Error(`the keys cannot be fetched from ${options.jwk_set_url}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  private constructor(options: JwtOptions, dependencies: SourceDependencies<SharedKeys>) {
    this.#url = options.jwk_set_url;
    this.#dependencies = dependencies;
    this.#timer = setInterval(() => void this.refresh(), options.jwk_set_update_interval);
    this.#timer.unref();
    dependencies.metrics.register({
      name: 'chihaya_jwt_key_fetches_total',
      help: 'Fetches of the key set, by result',
      type: 'counter',
      collect: () => [
        { labels: { result: 'ok' }, value: this.#fetched },
        { labels: { result: 'failed' }, value: this.#failed },
      ],
    });
    dependencies.metrics.register({
      name: 'chihaya_jwt_keys',
      help: 'Keys that tokens can be verified with',
      type: 'gauge',
      collect: () => [{ labels: {}, value: this.value.keys.length }],
    });
  }

  refresh(): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      if (this.#stopped.signal.aborted) return;
      try {
        await this.#fetch();
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#dependencies.logger.error({ err: error }, 'the keys cannot be fetched: the old ones stay');
      }
    });
    return this.#queue;
  }

  /** A hook asks for newer keys. */
  receive(): void {
    // Who asks meanwhile is answered by what is under way.
    if (this.#asking) return;
    const now = performance.now();
    if (now - this.#askedAt < PAUSE) {
      this.#answer();
      return;
    }
    this.#askedAt = now;
    this.#asking = true;
    void this.refresh().then(() => {
      this.#asking = false;
      this.#answer();
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopped.abort();
  }

  #answer(): void {
    this.#publish({ ...this.value, answered: this.value.answered + 1 });
  }

  async #fetch(): Promise<void> {
    let keys: string[];
    try {
      keys = (await fetchKeys(this.#url, this.#stopped.signal)).map((key) => JSON.stringify(key));
      this.#fetched++;
    } catch (error) {
      this.#failed++;
      throw error;
    }
    const { logger } = this.#dependencies;
    if (keys.length === 0) logger.warn('the key set has no key that can be used: all tokens are refused');
    if (keys.join() === this.value.keys.join()) return;
    logger.info({ keys: keys.map((key) => JSON.parse(key).kid) }, 'these keys verify tokens');
    this.#publish({ ...this.value, keys });
  }

  #publish(value: SharedKeys): void {
    this.value = value;
    this.#dependencies.publish(value);
  }
}
