/**
 * Our own figures beside our own: what IPv6 and a million swarms cost, whether answers are lost at 90 % of the
 * highest rate, what collecting garbage adds to the slowest answers, how long a start takes. Server and generator
 * have a core each, as in the comparison with others (bench/load); in turns, medians.
 *
 *     --seconds N     of each run (3)
 *     --rounds N      (5)
 *
 * Exits with 1 if answers are errors, missing, or without peers. Nothing fails for being slow.
 */

import { networkInterfaces } from 'node:os';
import { parseArgs } from 'node:util';
import { print, printMachine, printTable, whole } from '../support/print.ts';
import { median } from '../support/statistics.ts';
import { crowdedTracker, firstAnswer, type ServedTracker, shippedTracker, udpLoad } from './processes.ts';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '5' } },
});
const seconds = Number(flags.seconds);
const rounds = Number(flags.rounds);

const MILLION = 1_000_000;
const SHARE_OF_HIGHEST = 0.9;
const STEADY_RATE = 20_000;

const highest = { name: 'IPv4, 10,000 swarms', host: '127.0.0.1', args: [] as string[] };
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
const variants = [
  highest,
  ...(hasIpv6 ? [{ name: 'IPv6, 10,000 swarms', host: '::1', args: [] }] : []),
  { name: 'IPv4, 1,000,000 swarms', host: '127.0.0.1', args: ['--infohashes', String(MILLION)] },
];

async function withTracker<T>(
  open: Promise<ServedTracker>,
  use: (tracker: ServedTracker) => Promise<T>,
): Promise<T> {
  const tracker = await open;
  try {
    return await use(tracker);
  } finally {
    await tracker.stop();
  }
}

const rates = variants.map((): number[] => []);
const lost: string[] = [];
const slowest: { quiet: number[]; collecting: number[]; took: number[] } = {
  quiet: [],
  collecting: [],
  took: [],
};
const starts: number[] = [];

printMachine();
if (!hasIpv6) print('left out: IPv6, which this machine does not have');
for (let round = 0; round < rounds; round++) {
  for (const [i, { host, args }] of variants.entries()) {
    const rate = await withTracker(shippedTracker(host), async (tracker) => {
      await udpLoad(tracker, 1, args);
      const { rps } = await udpLoad(tracker, seconds, args);
      if (i === 0) {
        const most = Math.floor(SHARE_OF_HIGHEST * rps);
        const calm = await udpLoad(tracker, seconds, ['--rate', String(most)]);
        lost.push(`${whole(calm.lost)} of ${whole(calm.sent)} at ${whole(calm.rps)}/s`);
      }
      return rps;
    });
    rates[i]?.push(rate);
  }
  await withTracker(crowdedTracker(), async (tracker) => {
    const steady = ['--rate', String(STEADY_RATE)];
    await udpLoad(tracker, 1, steady);
    slowest.quiet.push((await udpLoad(tracker, 1, steady)).p999_us);
    const collected = tracker.collect();
    slowest.collecting.push((await udpLoad(tracker, 1, steady)).p999_us);
    slowest.took.push(await collected);
  });
  starts.push(await firstAnswer());
}

const base = rates[0] as number[];
printTable(
  ['UDP', 'answers/s', 'ratio'],
  variants.map(({ name }, i) => {
    const own = rates[i] as number[];
    return [name, whole(median(own)), median(own.map((rate, r) => rate / (base[r] as number))).toFixed(2)];
  }),
);
print(`lost at 90 % of the highest rate: ${lost.join('; ')}`);
const { quiet, collecting, took } = slowest;
print(
  `slowest 0.1 % at 20,000/s: ${whole(median(quiet))} µs; while 5,000,000 peers are collected, which takes ` +
    `${whole(median(took))} ms: ${whole(median(collecting))} µs; the difference: ` +
    `${whole(median(collecting.map((us, i) => us - (quiet[i] as number))))} µs`,
);
print(
  `start to first answer, as it ships, in ms: ${starts.map(whole).join(', ')}; median ${whole(median(starts))}`,
);
