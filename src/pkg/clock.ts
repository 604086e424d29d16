/** Time, as something that can be handed in: tests own the clock, the tracker uses the system's. */

export interface Clock {
  /** Milliseconds since 1970, as `Date.now`. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
