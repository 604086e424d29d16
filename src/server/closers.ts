/** What is open, and how it is closed again: the last first. */

import type { Logger } from '../pkg/logger.ts';

export type Close = () => void | Promise<void>;

export class Closers {
  readonly #closers: Close[] = [];
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  push(close: Close): void {
    this.#closers.push(close);
  }

  /** Closes one after another. One that fails is logged, and keeps none of the others open. */
  async closeAll(): Promise<void> {
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) await this.#try(close);
  }

  /** The same, all at once. */
  async closeTogether(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => this.#try(close)));
  }

  async #try(close: Close): Promise<void> {
    try {
      await close();
    } catch (error) {
      this.#logger.error({ err: error }, 'a part of the tracker failed to stop');
    }
  }
}
