/**
 * Load on the tracker and on what it is compared with, over the loopback, in turns: A B C A B C. Every run
 * has a fresh server, warmed up, on core 0; the generator is on core 1. Ratios are taken within a round, and
 * the table shows medians over the rounds: what disturbs the machine disturbs neighbours alike. A ratio is
 * what the first row of the load answers, by what this row does. A server that is not busy all the time could
 * do more than this generator asks for: its processor time for an answer then tells more than its rate.
 *
 *     --seconds N     of each run (5)
 *     --rounds N      (3)
 *     --only WORDS    comma-separated: the loads and targets whose name has one of them
 *
 * Exits with 1 if a tracker answered with an error, or with no peers, or not at all; or if, over three rounds or
 * more, a target costs more than it may.
 */

import { parseArgs } from 'node:util';
import { RunningProcess } from '../../test/support/running-process.ts';
import { print, printMachine, printTable, whole } from '../support/print.ts';
import { median } from '../support/statistics.ts';
import { MOST_SOURCES } from './client-sockets.ts';
import { canPin, GENERATOR_CORE, pinned, processorSeconds } from './pinning.ts';
import type { Report } from './report.ts';
import { type Target, targets } from './targets.ts';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
  },
});
const seconds = Number(flags.seconds);
const rounds = Number(flags.rounds);
const words = flags.only.split(',').map((word) => word.trim());

const INFOHASHES = 10_000;
const WARM_UP = Math.min(1, seconds / 2);

const loads = [
  { name: 'UDP', kind: 'udp', protocol: 'udp', file: 'udp-load.js', args: [] },
  {
    // No two packets of one client are near each other.
    name: 'UDP, one announce of a client at a time',
    kind: 'udp apart',
    protocol: 'udp',
    file: 'udp-load.js',
    args: ['--sockets', String(MOST_SOURCES), '--window', '1'],
  },
  {
    name: 'UDP, 100,000 peers in 32 racks',
    kind: 'udp swarm',
    protocol: 'udp',
    file: 'udp-load.js',
    args: ['--infohashes', '1', '--sockets', '32', '--ports', '3125'],
  },
  {
    name: 'UDP, 100,000 peers in 500 racks',
    kind: 'udp swarm',
    protocol: 'udp',
    file: 'udp-load.js',
    args: ['--infohashes', '1', '--sockets', String(MOST_SOURCES), '--window', '4', '--ports', '200'],
  },
  { name: 'HTTP, connections kept', kind: 'http', protocol: 'http', file: 'http-load.js', args: [] },
  {
    name: 'HTTP, a connection each',
    kind: 'http close',
    protocol: 'http',
    file: 'http-load.js',
    args: ['--close'],
  },
] as const;
type Load = (typeof loads)[number];

interface Run {
  readonly report: Report;
  /** Microseconds of the server's processor time for each answer. */
  readonly cost: number | undefined;
  /** Whether the server ended under the load. */
  readonly ended: boolean;
}

interface Pair {
  readonly load: Load;
  readonly target: Target;
  readonly runs: Run[];
}

async function generate({ load, target }: Pair, port: number, duration: number): Promise<Report> {
  const path = `${import.meta.dirname}/${load.file}`;
  const more = [...load.args, ...(target.args ?? [])];
  const args = [path, '--port', String(port), '--seconds', String(duration), ...more];
  const [file, ...rest] = pinned(GENERATOR_CORE, process.execPath, args);
  const child = new RunningProcess({ file, args: rest });
  const [line] = await child.waitFor(/^\{.*\}$/m, 1000 * duration + 30_000);
  await child.stop();
  return JSON.parse(line) as Report;
}

async function runOnce(pair: Pair): Promise<Run> {
  const { load, target } = pair;
  const server = await target.start(INFOHASHES);
  try {
    const port = server.ports[load.protocol];
    if (port === undefined) throw new Error(`${target.name} has no port for ${load.protocol}`);
    await generate(pair, port, WARM_UP);
    const before = processorSeconds(server.pid);
    const report = await generate(pair, port, seconds);
    const after = processorSeconds(server.pid);
    const cost =
      before === undefined || after === undefined ? undefined : ((after - before) * 1e6) / report.recv;
    return { report, cost, ended: server.ended() };
  } finally {
    await server.stop();
  }
}

/** What makes a figure worthless. */
function complaint({ load, target, runs }: Pair): string | undefined {
  const { report, ended } = runs.at(-1) as Run;
  const faults = [
    ended ? 'it ended under the load' : '',
    report.errors > 0 ? `${report.errors} errors: ${report.err}` : '',
    report.recv === 0 ? 'no answers' : report.peers_per === 0 ? 'no peers' : '',
  ].filter((fault) => fault !== '');
  return faults.length === 0 ? undefined : `${load.name}, ${target.name}: ${faults.join('; ')}`;
}

function firstOf({ load }: Pair): Pair {
  return pairs.find((other) => other.load === load) as Pair;
}

/** How many answers of the load's first row there are for one of this row. */
function ratio({ runs }: Pair, first: Pair): number {
  return median(runs.map((run, i) => (first.runs[i] as Run).report.rps / Math.max(1, run.report.rps)));
}

function row(pair: Pair, first: Pair): string[] {
  const { load, target, runs } = pair;
  const of = (value: (run: Run) => number) => median(runs.map(value));
  const known = runs.every((run) => run.cost !== undefined);
  const cost = known ? of((run) => run.cost as number) : Number.NaN;
  const busy = known ? of((run) => ((run.cost as number) * run.report.rps) / 1e4) : Number.NaN;
  return [
    `${load.name}: ${target.name}`,
    whole(of(({ report }) => report.rps)),
    ratio(pair, first).toFixed(2),
    known ? cost.toFixed(2) : '',
    known ? `${whole(Math.min(100, busy))} %` : '',
    of(({ report }) => report.peers_per).toFixed(1),
    whole(of(({ report }) => report.p50_us)),
    whole(of(({ report }) => report.p99_us)),
    whole(of(({ report }) => report.lost)),
  ];
}

const pairs: Pair[] = [];
for (const load of loads) {
  for (const target of targets) {
    const name = `${load.name} ${target.name}`.toLowerCase();
    if (!target.loads.includes(load.kind) || !words.some((word) => name.includes(word.toLowerCase())))
      continue;
    if (target.missing) print(`left out: ${load.name}, ${target.name}: ${target.missing}`);
    else pairs.push({ load, target, runs: [] });
  }
}
if (pairs.length === 0) throw new Error(`no load and no target has one of "${flags.only}" in its name`);

printMachine();
print(canPin ? 'server on core 0, generator on core 1' : 'not pinned to cores: there is no taskset');
const complaints: string[] = [];
for (const load of loads) {
  const mine = pairs.filter((pair) => pair.load === load);
  for (let round = 1; round <= rounds; round++) {
    for (const pair of mine) {
      const run = await runOnce(pair);
      pair.runs.push(run);
      print(`${load.name}, ${pair.target.name}, round ${round}: ${JSON.stringify(run.report)}`);
      const what = complaint(pair);
      if (what) complaints.push(what);
    }
  }
}

printTable(
  ['', 'answers/s', 'ratio', 'server µs', 'busy', 'peers', 'p50 µs', 'p99 µs', 'lost'],
  pairs.map((pair) => row(pair, firstOf(pair))),
);
for (const pair of pairs) {
  const { load, target } = pair;
  const times = ratio(pair, firstOf(pair));
  // One round on a busy machine proves nothing.
  if (rounds >= 3 && target.mostTimes !== undefined && times > target.mostTimes)
    complaints.push(`${load.name}, ${target.name}: it costs ${times.toFixed(2)} times as much`);
}
for (const what of complaints) print(`FAILED: ${what}`);
process.exitCode = complaints.length === 0 ? 0 : 1;
