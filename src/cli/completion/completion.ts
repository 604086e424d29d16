/** Shell completion, written from the program itself: a command or flag that is there is completed. */

import type { Command } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { describeProgram } from './program.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export type Shell = keyof typeof SCRIPTS;

export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];

export function completionScript(program: Command, shell: Shell): string {
  return SCRIPTS[shell](program.name(), describeProgram(program));
}
