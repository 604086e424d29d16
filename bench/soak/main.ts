/**
 * A day of a tracker's life compressed: mixed load of which every answer is checked, while it is reloaded, snapshots
 * are written, peers are collected, and at the end restarted. Memory has to stay flat, no descriptor may be left, and
 * no answer be wrong or missing.
 *
 *     |  the same load on one process: reloads, a broken one now and then, a profile     |  restarts under load  |
 *        memory is judged over this
 *
 *     --minutes N     in all (60)
 *     --udp-rate N    UDP requests a second (3000)
 *     --http-rate N   HTTP and HTTPS requests a second (100)
 *     --workers N     (2)
 *
 * Exits with 1, and a line for each kind of fault, if there was any. Linux alone.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { megabytes, print, printMachine, printTable, whole } from '../support/print.ts';
import { Complaints } from './complaints.ts';
import { Configurations } from './configuration.ts';
import { Judge } from './judge.ts';
import { Load } from './load.ts';
import { Operator } from './operator.ts';
import { Population } from './population.ts';
import { printSamples, printTallies } from './report.ts';
import { type Sample, takeSample } from './samples.ts';

const text = (value: number) => ({ type: 'string', default: String(value) }) as const;
const { values: flags } = parseArgs({
  options: { minutes: text(60), 'udp-rate': text(3_000), 'http-rate': text(100), workers: text(2) },
});
const minutes = Number(flags.minutes);
const seconds = 60 * minutes;
const rates = { udp: Number(flags['udp-rate']), http: Number(flags['http-rate']) };

/** The part before the restarts. */
const STEADY = 0.85 * seconds;
const RESTARTS = minutes < 2 ? 1 : 3;
const SAMPLE_EVERY = Math.max(5, seconds / 120);
const RELOAD_EVERY = Math.min(30, Math.max(3, seconds / 120));
const TELL_EVERY = 60;
const PROFILE_AFTER = 0.05 * seconds;

/** A swarm of one client after another is announced twice a second. */
const SWARMS = Math.max(20, Math.round(0.4 * rates.udp));

const ipv6 = existsSync('/proc/net/if_inet6');
const directory = mkdtempSync(join(tmpdir(), 'chihaya-soak-'));
const complaints = new Complaints();
const configurations = new Configurations(directory, Number(flags.workers), ipv6);
const judge = new Judge(configurations, complaints);
const population = new Population(SWARMS, ipv6);
const samples: Sample[] = [];
const begun = performance.now();
const operator = await Operator.start(configurations, complaints);
const open = () => Load.open(operator.tracker, ipv6, population, judge, rates);

function tell(what: string): void {
  const elapsed = ((performance.now() - begun) / 1000).toFixed(0);
  print(`${elapsed.padStart(5)} s  ${what}`);
}

function tellSample({ resident, heap, descriptors }: Sample): void {
  let asked = 0;
  for (const tally of judge.tallies.values()) asked += tally.asked;
  tell(
    `${whole(asked)} asked, ${complaints.count} faults; ${whole(population.members)} peers; ` +
      `resident ${megabytes(resident)}, heap ${megabytes(heap)}, ${descriptors} descriptors`,
  );
}

/** Calls `act` every so many seconds until `until`, with the load going on. */
async function repeat(every: number, until: number, act: () => Promise<void>): Promise<void> {
  for (let next = performance.now() + 1000 * every; next < until; next += 1000 * every) {
    await setTimeout(Math.max(0, next - performance.now()));
    await act();
  }
  await setTimeout(Math.max(0, until - performance.now()));
}

/** The same load on one process, which is reloaded, looked at and profiled. */
async function steadyPart(): Promise<void> {
  const load = await open();
  load.begin();
  const until = performance.now() + 1000 * STEADY;
  await Promise.all([
    repeat(SAMPLE_EVERY, until, async () => {
      // One profile is taken at a time.
      if (operator.done.profiles === 0 && performance.now() - begun > 1000 * PROFILE_AFTER)
        await operator.profile();
      await operator.profileHeap();
      samples.push(await takeSample(operator.tracker.process.pid, operator.metrics));
    }),
    repeat(RELOAD_EVERY, until, () => operator.reload()),
    repeat(TELL_EVERY, until, async () => tellSample(samples.at(-1) as Sample)),
  ]);
  await load.end();
}

/** Whoever was in a swarm is in it after a restart, and the load goes on. */
async function restarts(): Promise<void> {
  for (let count = 0; count < RESTARTS; count++) {
    const before = population.members;
    const start = performance.now();
    await operator.restart();
    tell(`restarted in ${whole(performance.now() - start)} ms; ${whole(before)} peers are to be there again`);
    const load = await open();
    await load.scrapeAll();
    load.begin();
    await setTimeout((1000 * (seconds - STEADY)) / RESTARTS);
    await load.end();
  }
}

try {
  printMachine();
  print(
    `${minutes} minutes, ${flags.workers} worker(s), ${rates.udp} UDP and ${rates.http} HTTP requests/s, ` +
      `${ipv6 ? 'IPv4 and IPv6' : 'IPv4 alone: there is no IPv6 here'}`,
  );
  await steadyPart();
  await restarts();
  await operator.stop();
  printTallies(judge.tallies, complaints);
  printSamples(samples, minutes, complaints);
  printTable(
    ['reloads', 'broken files', 'restarts', 'profiles', 'snapshots', 'collections', 'swarms'],
    [[...Object.values(operator.done), population.born].map(whole)],
  );
  for (const [what, count] of Object.entries(operator.done)) {
    if (count === 0) complaints.add(`there were no ${what}`);
  }
} finally {
  await operator.tracker.process.stop();
  rmSync(directory, { recursive: true });
}
for (const line of complaints.lines()) print(`FAILED: ${line}`);
process.exitCode = complaints.count === 0 ? 0 : 1;
