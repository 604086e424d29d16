/** What a shell can complete, read from the program. */

import type { Command, Option } from 'commander';

/** What can be typed after a command's name, or after the program's. */
export interface Completions {
  /** Empty for the program itself. */
  readonly name: string;
  readonly description: string;
  readonly flags: readonly Flag[];
  /** Words that its argument may be. */
  readonly words: readonly string[];
}

export interface Flag {
  readonly name: string;
  readonly description: string;
  /** What follows it: a file, something that cannot be guessed, or nothing. */
  readonly value: 'file' | 'text' | undefined;
}

/** The program and its commands. */
export interface Program {
  readonly main: Completions;
  readonly commands: readonly Completions[];
}

export function describeProgram(program: Command): Program {
  return {
    main: completionsOf(program, ''),
    commands: program.commands.map((command) => completionsOf(command, command.name())),
  };
}

function completionsOf(command: Command, name: string): Completions {
  return {
    name,
    description: command.description(),
    flags: command.createHelp().visibleOptions(command).flatMap(flagOf),
    words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
}

function flagOf({ long, description, flags, required }: Option): Flag[] {
  if (!long) return [];
  return [
    { name: long, description, value: required ? (flags.endsWith('<path>') ? 'file' : 'text') : undefined },
  ];
}

/** Text in single quotes, for the shells' own; a quote in it ends them, stands escaped, and opens them again. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
