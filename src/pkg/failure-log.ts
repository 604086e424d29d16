/**
 * Logs what fails through no fault of the client's. A store that is down makes every request fail alike: one line a
 * second is written for each text, and says how many it stands for.
 */

import type { Logger } from './logger.ts';

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

  /** @param message a sentence that is the same for all that fail alike, such as `HTTP announce failed` */
  log(message: string, fields: { readonly err: unknown; readonly [name: string]: unknown }): void {
    const now = performance.now();
    const { err } = fields;
    const text = `${message} ${err instanceof Error ? err.message : String(err)}`;
    if (text === this.#loggedText && now - this.#loggedAt < INTERVAL) {
      this.#suppressed++;
      return;
    }
    const suppressed = this.#suppressed > 0 ? { suppressed: this.#suppressed } : {};
    this.#logger.error({ ...fields, ...suppressed }, message);
    this.#loggedAt = now;
    this.#loggedText = text;
    this.#suppressed = 0;
  }
}
