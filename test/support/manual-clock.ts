/** A clock that stands still until it is told to move. */

import type { Clock } from '../../src/pkg/clock.ts';

export class ManualClock implements Clock {
  #now: number;

  /** @param start milliseconds since 1970; by default 2026-01-01 */
  constructor(start = 1_767_225_600_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
