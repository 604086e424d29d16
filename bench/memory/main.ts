/**
 * How much memory peers and swarms take, and whether it is used again. Exits with 1 if a limit is broken.
 *
 *     --quick       the first case alone
 *     --case N      a case in this process, its result as a line of JSON
 */

import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { megabytes, print, printMachine, printTable, whole } from '../support/print.ts';
import { type CaseResult, cases, type MemoryCase, runCase } from './cases.ts';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, case: { type: 'string' } },
});

/** Memory that one case has left to the process would count as the next one's. */
function inItsOwnProcess(index: number): CaseResult {
  const args = [...process.execArgv, import.meta.filename, '--case', String(index)];
  const line = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(line) as CaseResult;
}

function runAll(chosen: readonly MemoryCase[]): void {
  printMachine();
  const rows: string[][] = [];
  const failures: string[] = [];
  for (const [index, test] of chosen.entries()) {
    const result = inItsOwnProcess(index);
    failures.push(...result.failures.map((failure) => `${test.name}: ${failure}`));
    for (const { state, resident, reserved, seconds, moved } of result.measurements) {
      rows.push([
        `${test.name}, ${state}`,
        megabytes(resident),
        megabytes(reserved),
        (resident / (test.swarms * test.peers)).toFixed(1),
        (resident / test.swarms).toFixed(1),
        whole(moved / seconds),
      ]);
    }
  }
  printTable(['', 'resident', 'reserved', 'bytes a peer', 'bytes a swarm', 'peers/s'], rows);
  for (const failure of failures) print(`FAILED: ${failure}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

const alone = flags.case === undefined ? undefined : cases[Number(flags.case)];
if (alone) print(JSON.stringify(await runCase(alone)));
else runAll(flags.quick ? cases.slice(0, 1) : cases);
