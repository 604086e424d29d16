/**
 * Whether threads that share a store get in each other's way: announces a second by two threads on two cores, by
 * one, and by two that have a store each, which is what the machine itself allows. In turns; the table shows
 * medians, and the ratio to one thread of the same round.
 *
 *     --seconds N     of each run (2)
 *     --rounds N      (5)
 *
 * Exits with 1 if an announce is not answered as it must be. Nothing fails for being slow.
 */

import { parseArgs } from 'node:util';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { systemClock } from '../../src/pkg/clock.ts';
import { silentLogger } from '../../src/pkg/logger.ts';
import { memoryDriver } from '../../src/storage/memory/driver.ts';
import { fillSwarm, setInfohash } from '../support/numbered.ts';
import { print, printMachine, printTable, whole } from '../support/print.ts';
import { median } from '../support/statistics.ts';
import { StoreThread } from './store-thread.ts';
import { SIZE, SWARMS } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
  },
});
const milliseconds = 1000 * Number(flags.seconds);

async function openHost() {
  const dependencies = {
    logger: silentLogger,
    metrics: { register() {} },
    clock: systemClock,
    upkeep: false,
  };
  const host = await memoryDriver.host?.(memoryDriver.options.parse({}), dependencies);
  if (!host) throw new Error('the memory store cannot be shared');
  const infohash = new Infohash();
  for (let swarm = 0; swarm < SWARMS; swarm++) {
    setInfohash(infohash, swarm);
    fillSwarm(host.store, infohash, swarm * SIZE, (swarm + 1) * SIZE);
  }
  return host;
}

/** Announces a second by `threads` threads, on `stores` stores. */
async function run(threads: number, stores: number): Promise<number> {
  const hosts = await Promise.all(Array.from({ length: stores }, openHost));
  const started = await Promise.all(
    Array.from({ length: threads }, (_, i) => {
      const host = hosts[i % stores];
      if (!host) throw new RangeError('there are no stores');
      return StoreThread.start(host, 2 + i);
    }),
  );
  const counts = await Promise.all(started.map((thread) => thread.run(milliseconds)));
  await Promise.all(started.map((thread) => thread.stop()));
  await Promise.all(hosts.map((host) => host.store.stop()));
  return counts.reduce((sum, count) => sum + count) / Number(flags.seconds);
}

const ways = [
  { name: 'one thread', threads: 1, stores: 1 },
  { name: 'two threads, one store', threads: 2, stores: 1 },
  { name: 'two threads, a store each', threads: 2, stores: 2 },
];
printMachine();
const rates = ways.map((): number[] => []);
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const [i, { threads, stores }] of ways.entries()) rates[i]?.push(await run(threads, stores));
}
const alone = rates[0] as number[];
printTable(
  [`announces of ${whole(SWARMS)} swarms of ${SIZE}`, 'announces/s', 'ratio'],
  ways.map(({ name }, i) => {
    const own = rates[i] as number[];
    return [name, whole(median(own)), median(own.map((rate, r) => rate / (alone[r] as number))).toFixed(2)];
  }),
);
print(`medians of ${flags.rounds} rounds`);
