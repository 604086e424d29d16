/** For fish. */

import type { Completions, Program } from './program.ts';

export function fishScript(name: string, { main, commands }: Program): string {
  const complete = (when: string, what: string, description = '') =>
    `complete -c ${name} -n ${quoted(when)} ${what}${description === '' ? '' : ` -d ${quoted(description)}`}`;
  const lines = (each: Completions, when: string) => [
    ...each.flags.map(({ name, description, value }) => {
      const after = value === 'file' ? ' -r -F' : value === 'text' ? ' -x' : '';
      return complete(when, `-l ${name.slice(2)}${after}`, description);
    }),
    ...each.words.map((word) => complete(when, `-a ${word}`)),
  ];
  return [
    `# Completion of ${name} for fish: put it as ${name}.fish into ~/.config/fish/completions.`,
    `complete -c ${name} -f`,
    ...lines(main, '__fish_use_subcommand'),
    ...commands.map((command) =>
      complete('__fish_use_subcommand', `-a ${command.name}`, command.description),
    ),
    ...commands.flatMap((command) => lines(command, `__fish_seen_subcommand_from ${command.name}`)),
    '',
  ].join('\n');
}

/** As fish quotes: a backslash before a quote or a backslash. */
function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
