/**
 * What an announce costs whose peers are put in order of nearness, in a swarm of 100,000, without the kernel:
 * against one without. The swarm's addresses are consecutive, so /21 makes 49 racks of them.
 */

import { BATCH, FedTracker } from '../support/fed-tracker.ts';
import { printTable, whole } from '../support/print.ts';
import { median } from '../support/statistics.ts';
import { subnetPreference } from '../support/subnet-preference.ts';

const SWARM = 100_000;
const WANTED = 30;
const DIFFERENT_BATCHES = 64;
const BATCHES = 40;
const MOST_TIMES = 3;

const racks = Object.fromEntries(
  Array.from({ length: 49 }, (_, i) => [`rack ${i}`, [`10.${i >> 5}.${(8 * i) & 255}.0/21`]]),
);

/** Each is measured beside the first. */
const CASES = [
  { name: 'without a preference', options: undefined, limited: false },
  { name: '49 racks by prefix, [21, 16]', options: { ipv4_prefixes: [21, 16] }, limited: true },
  { name: '49 racks by group', options: { groups: racks }, limited: false },
  { name: '391 racks by prefix, [24, 16]', options: { ipv4_prefixes: [24, 16] }, limited: false },
  { name: 'nobody near, [32]', options: { ipv4_prefixes: [32] }, limited: false },
];

/** Prints a table. Returns what costs too much. */
export async function preferenceCosts(rounds: number): Promise<string[]> {
  const cases = await Promise.all(
    CASES.map(async (each) => {
      const hooks = each.options ? [await subnetPreference(each.options)] : [];
      const tracker = new FedTracker(1, SWARM, WANTED, DIFFERENT_BATCHES, hooks);
      return { ...each, tracker, times: [] as number[], ratios: [] as number[] };
    }),
  );
  for (let round = -3; round < rounds; round++) {
    let first = 0;
    for (const { tracker, times, ratios } of cases) {
      const nanoseconds = time(tracker);
      first ||= nanoseconds;
      // The first rounds are to have the code compiled.
      if (round < 0) continue;
      times.push(nanoseconds);
      ratios.push(nanoseconds / first);
    }
  }
  printTable(
    [`near peers first, ${WANTED} of ${whole(SWARM)}`, 'ns an announce', 'ratio'],
    cases.map(({ name, times, ratios }) => [name, whole(median(times)), median(ratios).toFixed(2)]),
  );
  return cases
    .filter(({ limited, ratios }) => limited && median(ratios) > MOST_TIMES)
    .map(({ name, ratios }) => `${name}: an announce costs ${median(ratios).toFixed(2)} times as much`);
}

function time(tracker: FedTracker): number {
  const start = performance.now();
  const bytes = tracker.run(BATCHES);
  const nanoseconds = ((performance.now() - start) * 1e6) / (BATCHES * BATCH);
  const expected = FedTracker.expectedBytes(BATCHES, WANTED);
  if (bytes !== expected) throw new Error(`expected ${expected} bytes of answers, found ${bytes}`);
  return nanoseconds;
}
