/**
 * How long a stop waits for what has to end by itself, such as requests and hooks. Whatever takes longer than
 * `shutdown_timeout` is logged and left behind; the store alone is waited for in any case, since it keeps the peers.
 */

import type { Logger } from '../pkg/logger.ts';
import { within } from '../pkg/within.ts';

/** What is told to stop when the time is up already has this long (milliseconds). */
const LEAST = 1_000;

export class Patience {
  readonly #end: number;
  readonly #logger: Logger;

  /** @param milliseconds from now on */
  constructor(milliseconds: number, logger: Logger) {
    this.#end = performance.now() + milliseconds;
    this.#logger = logger;
  }

  /** Milliseconds that are left. */
  get left(): number {
    return Math.max(this.#end - performance.now(), 0);
  }

  /**
   * Resolves when `work` is over, or its time is; then that is logged.
   *
   * @param what it is, for the log
   * @returns whether it is over
   */
  async waitFor(what: string, work: Promise<unknown>): Promise<boolean> {
    const over = await within(Math.max(this.left, LEAST), work);
    if (!over) this.#logger.warn(`${what} did not end within shutdown_timeout: cut off`);
    return over;
  }
}
