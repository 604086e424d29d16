/**
 * Shows that an announce over UDP allocates nothing that grows with the peers it returns, and costs the same
 * in swarms of 100 peers as in one of 100,000.
 *
 * Bytes are counted as the growth of the heap and of typed arrays' memory over many announces. The young
 * generation is so large (`--min-semi-space-size`) that no garbage collection falls into that time; if one
 * does all the same, the measurement is taken again.
 *
 * Costs are compared over the same number of peers, so that both sides have the same memory to read, and with
 * so few wanted that both have to choose: the choice and the look-up are what might grow with a swarm.
 *
 * Then what it costs to give near peers first: no more than three times as much where there are some.
 *
 * Exits with 1 if bytes grow with the peers, if the cost differs by more than 30 %, or near peers cost too much. With `--short` there are
 * fewer announces, and costs are shown but not judged: for machines that are busy with other things.
 */

import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { NamedHook } from '../../src/middleware/hook-chain.ts';
import { BATCH, FedTracker } from '../support/fed-tracker.ts';
import { print, printMachine, printTable, whole } from '../support/print.ts';
import { median } from '../support/statistics.ts';
import { subnetPreference } from '../support/subnet-preference.ts';
import { preferenceCosts } from './preference-cost.ts';

const NUMWANTS = [0, 10, 50, 100];
/** Bytes for each peer returned: less than one is noise, the least that a peer could take is many. */
const MOST_BYTES_A_PEER = 1;
const MOST_COST_RATIO = 1.3;
const SWARM = 10_000;
const SMALL_SWARM = 100;
const LARGE_SWARM = 100_000;
const WANTED = 30;
const DIFFERENT_BATCHES = 256;
const ATTEMPTS = 5;

const { values: flags } = parseArgs({ options: { short: { type: 'boolean', default: false } } });
const batches = flags.short ? 500 : 4000;
const rounds = flags.short ? 15 : 41;

const { gc } = globalThis;
if (!gc) throw new Error('expected node --expose-gc: run this by "npm run bench:alloc"');

/** Garbage collections told of so far: those that happened, and those that were asked for. */
let collections = 0;
let asked = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) {
    const { flags: kind } = detail as { flags: number };
    if ((kind & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) === 0) collections++;
    else asked++;
  }
}).observe({ entryTypes: ['gc'] });

/** Collects garbage. Resolves when this, and so every collection before it, has been told of, which is some time later. */
async function collect(): Promise<void> {
  const before = asked;
  gc?.();
  while (asked === before) await setImmediate();
}

function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function answer(tracker: FedTracker, count: number, peers: number): void {
  const bytes = tracker.run(count);
  const expected = FedTracker.expectedBytes(count, peers);
  if (bytes !== expected) throw new Error(`expected ${expected} bytes of answers, found ${bytes}`);
}

/** Bytes that one announce allocates. */
async function bytesPerAnnounce(numwant: number, preHooks: readonly NamedHook[]): Promise<number> {
  const tracker = new FedTracker(1, SWARM, numwant, DIFFERENT_BATCHES, preHooks);
  answer(tracker, 2000, numwant);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // The second begins by ending what the first one left to other threads: memory given back counts as less than nothing.
    await collect();
    await collect();
    const collectionsBefore = collections;
    const before = held();
    answer(tracker, batches, numwant);
    const after = held();
    await collect();
    if (collections === collectionsBefore) return (after - before) / (batches * BATCH);
  }
  throw new Error(`a garbage collection fell into each of ${ATTEMPTS} measurements`);
}

/** Nanoseconds of an announce, in the smaller and in the larger swarm, and the median of their ratios. */
function costs(): { small: number; large: number; ratio: number } {
  const small = new FedTracker(LARGE_SWARM / SMALL_SWARM, SMALL_SWARM, WANTED, DIFFERENT_BATCHES);
  const large = new FedTracker(1, LARGE_SWARM, WANTED, DIFFERENT_BATCHES);
  const time = (tracker: FedTracker) => {
    const count = 500;
    const start = performance.now();
    answer(tracker, count, WANTED);
    return ((performance.now() - start) * 1e6) / (count * BATCH);
  };
  for (const tracker of [small, large, small, large]) time(tracker);
  const pairs = Array.from({ length: rounds }, () => [time(small), time(large)] as const);
  return {
    small: median(pairs.map(([s]) => s)),
    large: median(pairs.map(([, l]) => l)),
    ratio: median(pairs.map(([s, l]) => l / s)),
  };
}

printMachine();
const failures: string[] = [];

/** Prints what announces allocate that return more and more peers. */
async function allocation(what: string, preHooks: readonly NamedHook[]): Promise<void> {
  const bytes: number[] = [];
  for (const numwant of NUMWANTS) bytes.push(await bytesPerAnnounce(numwant, preHooks));
  const none = bytes[0] as number;
  printTable(
    [`peers returned of ${whole(SWARM)}${what}`, 'bytes allocated by an announce', 'by each peer'],
    NUMWANTS.map((numwant, i) => {
      const growth = numwant === 0 ? 0 : ((bytes[i] as number) - none) / numwant;
      if (growth > MOST_BYTES_A_PEER)
        failures.push(`${growth.toFixed(2)} bytes are allocated for each peer${what}`);
      return [String(numwant), (bytes[i] as number).toFixed(2), numwant === 0 ? '' : growth.toFixed(3)];
    }),
  );
}

await allocation('', []);
await allocation(', near peers first', [await subnetPreference({ ipv4_prefixes: [24, 16] })]);

const { small, large, ratio } = costs();
printTable(
  [`${WANTED} peers returned, of swarms of`, 'ns an announce', 'ratio'],
  [
    [whole(SMALL_SWARM), whole(small), '1.00'],
    [whole(LARGE_SWARM), whole(large), ratio.toFixed(2)],
  ],
);
if (!flags.short && (ratio > MOST_COST_RATIO || ratio < 1 / MOST_COST_RATIO)) {
  failures.push(`an announce in the larger swarm costs ${ratio.toFixed(2)} times as much`);
}

const dear = await preferenceCosts(flags.short ? 5 : 25);
if (!flags.short) failures.push(...dear);

for (const failure of failures) print(`FAILED: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
