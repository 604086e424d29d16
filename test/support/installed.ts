/** Programs that some tests run beside the tracker, where they are installed. */

import { spawnSync } from 'node:child_process';
import { test } from 'vitest';

/** `test`, but skipped, and saying so, where a program is not there. */
export function testWith(program: string, name: string, run: () => void | Promise<void>): void {
  const missing = spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0;
  test.skipIf(missing)(missing ? `${name}: skipped, ${program} is not installed` : name, run);
}

/** Runs it to its end: its exit code, and what it printed. */
export function runToEnd(
  program: string,
  args: readonly string[],
  input = '',
): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', input });
  return { code: status, output: stdout + stderr };
}
