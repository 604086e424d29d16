/** What is open, and how it is closed again: the last first. */

import type { Logger } from '../pkg/logger.ts';
import { Patience } from './patience.ts';

export type Close = (patience: Patience) => void | Promise<void>;

/** Milliseconds for a start that has failed to take down what was open. */
const AFTER_FAILURE = 10_000;

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
  async closeAll(patience = new Patience(AFTER_FAILURE, this.#logger)): Promise<void> {
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close(patience);
      } catch (error) {
        this.#logger.error({ err: error }, 'a part of the tracker failed to stop');
      }
    }
  }
}
