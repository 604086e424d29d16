/**
 * Micro-benchmarks, by mitata.
 *
 *     --only WORD      those whose group or name has the word
 *     --check          each a thousand times, untimed: whether they do what they should
 */

import { parseArgs } from 'node:util';
import { bench, group, run } from 'mitata';
import { print } from '../support/print.ts';
import type { Benchmark } from './benchmark.ts';
import { hookBenchmarks } from './hooks.ts';
import { httpBenchmarks } from './http.ts';
import { storeBenchmarks } from './store.ts';
import { udpBenchmarks } from './udp.ts';

const { values: flags } = parseArgs({
  options: { only: { type: 'string', default: '' }, check: { type: 'boolean', default: false } },
});
const chosen = [...udpBenchmarks, ...storeBenchmarks, ...httpBenchmarks, ...hookBenchmarks].filter(
  (benchmark) => `${benchmark.group} ${benchmark.name}`.includes(flags.only),
);

async function check(benchmarks: readonly Benchmark[]): Promise<void> {
  for (const benchmark of benchmarks) {
    const prepared = benchmark.prepare();
    try {
      // As many times at most as fit into a moment: a collection is a thousand times the work of a parse.
      const end = performance.now() + 200;
      for (let i = 0; i < 1000 && performance.now() < end; i++) await prepared.run();
      prepared.check();
    } catch (error) {
      throw new Error(`${benchmark.group}, ${benchmark.name}: ${(error as Error).message}`, { cause: error });
    }
  }
  print(`${benchmarks.length} micro-benchmarks do what they should`);
}

async function time(benchmarks: readonly Benchmark[]): Promise<void> {
  for (const name of new Set(benchmarks.map((benchmark) => benchmark.group))) {
    group(name, () => {
      for (const benchmark of benchmarks.filter((each) => each.group === name)) {
        bench(benchmark.name, function* () {
          const prepared = benchmark.prepare();
          // Handed over as it is: mitata waits for what an `async` function does, and for no other.
          yield prepared.run;
          prepared.check();
        });
      }
    });
  }
  await run({ throw: true, colors: process.stdout.isTTY });
}

if (chosen.length === 0) throw new Error(`no benchmark has "${flags.only}" in its name`);
await (flags.check ? check(chosen) : time(chosen));
