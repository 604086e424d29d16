/** The figures of a soak, and whether they are those of a tracker that can go on like this. */

import { megabytes, print, printTable, whole } from '../support/print.ts';
import { median } from '../support/statistics.ts';
import type { Complaints } from './complaints.ts';
import { FEWEST_SAMPLES, judgeFlatness } from './flatness.ts';
import type { Tally } from './judge.ts';
import type { Sample } from './samples.ts';

/** Memory is judged from here on (minutes): the first tenth has to be longer than a peer lives, several times. */
const JUDGED_FROM = 5;

export function printTallies(tallies: ReadonlyMap<string, Tally>, complaints: Complaints): void {
  const rows = [...tallies].toSorted(([a], [b]) => (a < b ? -1 : 1));
  printTable(
    ['', 'asked', 'right', 'wrong or none'],
    rows.map(([what, { asked, right }]) => [what, whole(asked), whole(right), whole(asked - right)]),
  );
  for (const [what, { right }] of rows) if (right === 0) complaints.add('nothing was right', what);
}

/** @param samples of one process, under the same load from beginning to end */
export function printSamples(samples: readonly Sample[], minutes: number, complaints: Complaints): void {
  const judged = minutes >= JUDGED_FROM && samples.length >= FEWEST_SAMPLES;
  const memory = (['resident', 'heap', 'reserved'] as const).map((kind) => {
    const bytes = samples.map((sample) => sample[kind]);
    const { early, late, flat } = judged
      ? judgeFlatness(bytes)
      : { early: median(bytes), late: bytes.at(-1) ?? Number.NaN, flat: true };
    if (!flat) complaints.add(`memory grows: ${kind}`, `${megabytes(early)}, later ${megabytes(late)}`);
    return [`${kind} memory`, megabytes(early), megabytes(late), megabytes(Math.max(...bytes))];
  });
  const others = (['descriptors', 'threads'] as const).map((kind) => {
    const { early, late, most } = ends(samples.map((sample) => sample[kind]));
    return [kind, whole(early), whole(late), whole(most)];
  });
  const delay = ends(samples.map((sample) => 1000 * sample.delay));
  printTable(
    ['', judged ? 'second tenth' : 'median', judged ? 'last tenth' : 'last', 'most'],
    [
      ...memory,
      ...others,
      ['event loop delay, 99 %, ms', ...[delay.early, delay.late, delay.most].map((ms) => ms.toFixed(1))],
    ],
  );
  if (!judged) print(`${minutes} minutes are too short to judge memory by: that takes ${JUDGED_FROM}`);
}

function ends(values: readonly number[]): { early: number; late: number; most: number } {
  const tenth = Math.max(1, Math.floor(values.length / 10));
  return {
    early: median(values.slice(tenth, 2 * tenth + 1)),
    late: median(values.slice(-tenth)),
    most: Math.max(...values),
  };
}
