/** What is known of a tracker that is looked at again and again, whether it answers or not. */

import { Change, type Look } from './change.ts';
import type { Metrics } from './prometheus-text.ts';

export class Watch {
  /** Between the last two looks that were answered; `undefined` until there are two. */
  change: Change | undefined;
  /** Why the last look had no answer, and since when there is none (seconds). */
  away: { readonly reason: string; readonly since: number } | undefined;
  /** How often it was seen to start anew, and when the last time. */
  restarts = 0;
  restartedAt = 0;
  #last: Look | undefined;

  /**
   * @param at seconds, of a clock that only goes forward
   * @param time seconds since 1970
   */
  answered(metrics: Metrics, at: number, time: number): void {
    const now = { metrics, at };
    if (this.#last) {
      this.change = new Change(this.#last, now, time);
      if (this.change.restarted) {
        this.restarts++;
        this.restartedAt = at;
      }
    }
    this.away = undefined;
    this.#last = now;
  }

  failed(reason: string, at: number): void {
    this.away = { reason, since: this.away?.since ?? at };
  }
}
