/**
 * Every benchmark in a short form, for checks of each change: whether they run, whether what they time does what
 * it should, and the limits on memory and allocation. Nothing fails for being slow: machines are busy.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { print } from './support/print.ts';

const steps: readonly { readonly name: string; readonly args: readonly string[] }[] = [
  { name: 'micro-benchmarks', args: ['micro/main.js', '--check'] },
  {
    name: 'allocation',
    args: [
      '--expose-gc',
      '--min-semi-space-size=512',
      '--max-semi-space-size=512',
      'alloc/main.js',
      '--short',
    ],
  },
  { name: 'memory', args: ['--expose-gc', 'memory/main.js', '--quick'] },
  { name: 'snapshots', args: ['--expose-gc', 'snapshot/main.js', '--quick'] },
  { name: 'threads', args: ['threads/main.js', '--seconds', '0.2', '--rounds', '1'] },
  { name: 'limits', args: ['limits/main.js', '--seconds', '0.3', '--rounds', '1'] },
  { name: 'redis', args: ['redis/main.js', '--seconds', '0.5', '--rounds', '1'] },
  { name: 'load', args: ['load/main.js', '--seconds', '1', '--rounds', '1', '--only', 'chihaya,constant'] },
];

let failed = false;
for (const { name, args } of steps) {
  print(`── ${name}`);
  const { status } = spawnSync(
    process.execPath,
    args.map((arg) => (arg.endsWith('.js') ? join(import.meta.dirname, arg) : arg)),
    { stdio: 'inherit' },
  );
  if (status !== 0) {
    failed = true;
    print(`FAILED: ${name}`);
  }
}
process.exitCode = failed ? 1 : 0;
