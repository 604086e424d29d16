/** A core each for server and generator, and the processor time that a process has used. Both on Linux alone. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export const SERVER_CORE = 0;
export const GENERATOR_CORE = 1;

/** Of `utime` and `stime`: sysconf(_SC_CLK_TCK), which Linux has never had other than 100 for programs. */
const TICKS_A_SECOND = 100;

export const canPin =
  cpus().length > 1 && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;

/** The command that runs a program on one core; the program's own where there is no `taskset`. */
export function pinned(core: number, file: string, args: readonly string[]): [string, ...string[]] {
  return canPin ? ['taskset', '-c', String(core), file, ...args] : [file, ...args];
}

/** Seconds of processor time, in the program and in the kernel for it; `undefined` if the system does not say. */
export function processorSeconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the name, may have spaces; it ends with the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return undefined;
  }
}
