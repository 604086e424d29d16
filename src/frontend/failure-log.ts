/**
 * Logs requests that failed through no fault of the client's. A store that is down makes every request fail alike: one
 * line a second is written for each text, and says how many it stands for.
 */

import type { Logger } from '../pkg/logger.ts';

/** Milliseconds in which a text is logged once. */
const INTERVAL = 1000;

export class FailureLog {
  readonly #logger: Logger;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #loggedText = '';
  #suppressed = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param what failed, such as `HTTP announce` */
  log(what: string, error: unknown): void {
    const now = performance.now();
    const text = `${what} ${error instanceof Error ? error.message : String(error)}`;
    if (text === this.#loggedText && now - this.#loggedAt < INTERVAL) {
      this.#suppressed++;
      return;
    }
    const suppressed = this.#suppressed > 0 ? { suppressed: this.#suppressed } : {};
    this.#logger.error({ err: error, ...suppressed }, `${what} failed`);
    this.#loggedAt = now;
    this.#loggedText = text;
    this.#suppressed = 0;
  }
}
