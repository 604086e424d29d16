/**
 * Announces over UDP through Redis, by one tracker of one thread: how many, by what redis-benchmark gets out of the same
 * Redis with the same scripts; what they cost in a large swarm; and what `local_cache` gains. Everything that is compared
 * runs in turns, and ratios are medians over the rounds: of rates, but for the large swarm of processor time.
 *
 *     --seconds N     of each run (3)
 *     --rounds N      (3)
 *
 * Exits with 1 if an announce fails or is given no peers.
 */

import { parseArgs } from 'node:util';
import { KeyGroup } from '../../src/storage/redis/keys.ts';
import { readScript } from '../../src/storage/redis/read-script.ts';
import { putScript } from '../../src/storage/redis/write-scripts.ts';
import { processorSeconds } from '../load/pinning.ts';
import { infohashName } from '../load/workload.ts';
import { print, printMachine, printTable, whole } from '../support/print.ts';
import { median } from '../support/statistics.ts';
import { announce, Redis, redisBenchmark, whyNot, withTracker } from './servers.ts';
import { fill, infohashNamed } from './swarms.ts';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
});
const seconds = Number(flags.seconds);
const rounds = Number(flags.rounds);
const WARM_UP = Math.min(1, seconds / 2);

const SWARMS = 1000;
const PEERS = 60;
const NUMWANT = 30;
/** Few sockets, so that the generator, which polls, leaves its core to Redis. */
const SOCKETS = 4;
/** Requests outstanding, on each of those and with redis-benchmark. */
const PIPELINE = 64;

interface Figure {
  readonly rate: number;
  /** Microseconds of processor time for an announce, in Redis and in the tracker. */
  readonly redis: number;
  readonly tracker: number;
  readonly peers: number;
}

async function load(
  redis: Redis,
  config: object,
  options: Readonly<Record<string, number>>,
): Promise<Figure> {
  return withTracker(redis, config, async ({ port, pid }) => {
    const all = { numwant: NUMWANT, sockets: SOCKETS, window: PIPELINE, ...options };
    await announce(port, WARM_UP, all);
    const before = [processorSeconds(redis.pid), processorSeconds(pid)] as const;
    const report = await announce(port, seconds, all);
    const cost = (of: number, i: 0 | 1) =>
      (((processorSeconds(of) ?? Number.NaN) - (before[i] ?? Number.NaN)) * 1e6) / report.recv;
    return { rate: report.rps, redis: cost(redis.pid, 0), tracker: cost(pid, 1), peers: report.peers_per };
  });
}

/** Announces a second if nothing but the two scripts of each had to be run. */
async function ceiling(redis: Redis): Promise<{ read: number; put: number; both: number }> {
  const group = new KeyGroup('', 4);
  const infohash = `${'0'.repeat(28)}__rand_int__`;
  const swarm = [group.seeders(infohash), group.leechers(infohash)];
  const field = '-TR4050-abcdef__rand_int__';
  const options = { requests: Math.ceil(20_000 * seconds), range: SWARMS, pipeline: PIPELINE };
  const args = [field, '0', String(NUMWANT), '12345'];
  const read = await redisBenchmark(redis, options, ['EVALSHA', readScript.sha, '2', ...swarm, ...args]);
  const put = await redisBenchmark(redis, options, [
    ...['EVALSHA', putScript.sha, '9', ...group.common, ...swarm],
    ...[infohash, '1767225600000000000', `l${field}`],
  ]);
  return { read, put, both: 1 / (1 / read + 1 / put) };
}

async function withRedis<T>(
  names: readonly string[],
  peers: number,
  use: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = await Redis.start();
  try {
    await fill(redis.url, names.map(infohashNamed), peers);
    return await use(redis);
  } finally {
    await redis.stop();
  }
}

const names = (count: number) => Array.from({ length: count }, (_, n) => infohashName(n));
/** Those that redis-benchmark asks for: 28 zeros and 12 digits, as hexadecimal. */
const zeros = Array.from({ length: SWARMS }, (_, n) =>
  Buffer.from(String(n).padStart(40, '0'), 'hex').toString('latin1'),
);

const obstacle = whyNot();
if (obstacle) {
  print(`left out: ${obstacle}`);
  process.exit(0);
}
printMachine();

const ceilings: Awaited<ReturnType<typeof ceiling>>[] = [];
const plain: Figure[] = [];
const small: Figure[] = [];
const large: Figure[] = [];
const uncached: Figure[] = [];
const cached: Figure[] = [];
for (let round = 1; round <= rounds; round++) {
  ceilings.push(await withRedis(zeros, PEERS, ceiling));
  plain.push(await withRedis(names(SWARMS), PEERS, (redis) => load(redis, {}, { infohashes: SWARMS })));
  // The same 96 announcers, among few others and among many.
  const few = { infohashes: 1, ports: 96 / SOCKETS };
  small.push(await withRedis(names(1), 4, (redis) => load(redis, {}, few)));
  large.push(await withRedis(names(1), 100_000 - 96, (redis) => load(redis, {}, few)));
  const busy = { infohashes: 100 };
  uncached.push(await withRedis(names(100), PEERS, (redis) => load(redis, {}, busy)));
  cached.push(await withRedis(names(100), PEERS, (redis) => load(redis, { local_cache: '2s' }, busy)));
  print(
    `round ${round}: ${JSON.stringify([ceilings, plain, small, large, uncached, cached].map((all) => all.at(-1)))}`,
  );
}

const of = (figures: readonly Figure[], what: keyof Figure) => median(figures.map((figure) => figure[what]));
/** Of the figures of each round, to another figure of that round. */
const ratio = (figures: readonly Figure[], to: (figure: Figure, round: number) => number) =>
  median(figures.map(to)).toFixed(2);
const cost = (figure: Figure | undefined) => (figure ? figure.redis + figure.tracker : Number.NaN);
const row = (name: string, figures: readonly Figure[], to: (figure: Figure, round: number) => number) => [
  name,
  whole(of(figures, 'rate')),
  ratio(figures, to),
  of(figures, 'redis').toFixed(1),
  of(figures, 'tracker').toFixed(1),
  of(figures, 'peers').toFixed(1),
];
const limitRow = (name: string, what: 'read' | 'put' | 'both') => [
  name,
  whole(median(ceilings.map((each) => each[what]))),
  '',
  '',
  '',
  '',
];
printTable(
  ['', 'per second', 'ratio', 'Redis µs', 'tracker µs', 'peers'],
  [
    limitRow('redis-benchmark: the script of reads', 'read'),
    limitRow('redis-benchmark: the script of writes', 'put'),
    limitRow('both for each announce', 'both'),
    row('announces; by that', plain, ({ rate }, i) => rate / (ceilings[i]?.both ?? Number.NaN)),
    row('announces to a swarm of 100', small, () => 1),
    row(
      'announces to a swarm of 100,000; cost, by that',
      large,
      (figure, i) => cost(figure) / cost(small[i]),
    ),
    row('announces to 100 busy swarms', uncached, () => 1),
    row(
      'the same with `local_cache: 2s`; by that',
      cached,
      ({ rate }, i) => rate / (uncached[i]?.rate ?? Number.NaN),
    ),
  ],
);
