/**
 * Whether a series of samples, one after another in equal times, is flat once the first tenth is over. Compared are
 * the medians of the second tenth and of the last: a single sample moves neither.
 *
 *     |  settling  | second tenth |            …            | last tenth |
 *                       median a                                median b        flat: b <= a + 5 % + 8 MB
 *
 * What stays below that over an hour is a leak of less than 5,000 bytes a second.
 */

import { median } from '../support/statistics.ts';

const SHARE = 0.05;
const ALLOWANCE = 8e6;

/** Fewer samples say nothing: a tenth of them would be two or three. */
export const FEWEST_SAMPLES = 40;

export interface Flatness {
  readonly early: number;
  readonly late: number;
  readonly flat: boolean;
}

/** @param bytes at least `FEWEST_SAMPLES` of them */
export function judgeFlatness(bytes: readonly number[]): Flatness {
  if (bytes.length < FEWEST_SAMPLES) {
    throw new RangeError(`expected at least ${FEWEST_SAMPLES} samples, found ${bytes.length}`);
  }
  const tenth = Math.floor(bytes.length / 10);
  const early = median(bytes.slice(tenth, 2 * tenth));
  const late = median(bytes.slice(-tenth));
  return { early, late, flat: late <= early * (1 + SHARE) + ALLOWANCE };
}
