/**
 * How long snapshots take to write and to read, and for how long they block. Exits with 1 if what was read is not
 * what was written.
 *
 *     --quick       the first case alone, and no restart
 *     --case N      a case in this process, its result as a line of JSON
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { megabytes, print, printMachine, printTable, whole } from '../support/print.ts';
import { cases, type Measurement, runCase, type SnapshotCase } from './cases.ts';
import { measureRestart } from './restart.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, case: { type: 'string' } },
});

function inItsOwnProcess(index: number): Measurement {
  const args = [...process.execArgv, import.meta.filename, '--case', String(index)];
  const line = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(line) as Measurement;
}

function runAll(chosen: readonly SnapshotCase[]): void {
  printMachine();
  const rows: string[][] = [];
  let failed = false;
  for (const [index, test] of chosen.entries()) {
    const result = inItsOwnProcess(index);
    for (const failure of result.failures) {
      failed = true;
      print(`FAILED: ${test.name}: ${failure}`);
    }
    rows.push([
      test.name,
      megabytes(result.bytes),
      result.written.toFixed(2),
      result.slices.map((milliseconds) => milliseconds.toFixed(2)).join(' · '),
      megabytes(result.growth),
      result.read.toFixed(2),
      result.memoryRatio.toFixed(2),
    ]);
  }
  const head = [
    '',
    'file',
    'written, s',
    'slice, ms: median · 99 % · longest',
    'memory more',
    'read, s',
    'memory after',
  ];
  printTable(head, rows);
  process.exitCode = failed ? 1 : 0;
}

/** The built tracker reads, writes and reads a snapshot. */
async function restart(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'chihaya-bench-'));
  const { peers, expected, found, stopped, started } = await measureRestart(directory);
  rmSync(directory, { recursive: true });
  print(`A tracker with ${whole(peers)} peers, of whom ${whole(peers - expected)} have expired:`);
  print(
    `  after a start, and after another, it has ${found.map(whole).join(' and ')}, expected ${whole(expected)}`,
  );
  print(`  it took ${stopped.toFixed(2)} s to stop, and ${started.toFixed(2)} s to start`);
  if (found.some((count) => count !== expected)) process.exitCode = 1;
}

const alone = flags.case === undefined ? undefined : cases[Number(flags.case)];
if (alone) {
  const directory = mkdtempSync(join(tmpdir(), 'chihaya-bench-'));
  print(JSON.stringify(await runCase(alone, join(directory, 'snapshot'))));
  rmSync(directory, { recursive: true });
} else {
  runAll(flags.quick ? cases.slice(0, 1) : cases);
  if (!flags.quick) await restart();
}
