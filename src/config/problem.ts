/** What is wrong with a configuration, where, and how it is told. */

/** Keys and list indices from the top of the configuration to what is meant. */
export type Path = readonly (string | number)[];

export interface Problem {
  readonly path: Path;
  readonly message: string;
  /** Whether the key is meant and not its value. */
  readonly atKey?: boolean;
}

/** Tells every problem of a configuration at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** One line for each. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** `prehooks[0].options.whitelist`; empty for the top. A key that has a value glued to it is shown without. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') {
      text += `[${step}]`;
      continue;
    }
    const key = step.replace(/(?<=.):.*/s, ':…');
    text += text === '' ? key : `.${key}`;
  }
  return text;
}

/** `place: key.path: message`; what is empty is left out. */
export function formatProblem(problem: Problem, place: string): string {
  return [place, formatPath(problem.path), problem.message].filter((part) => part !== '').join(': ');
}
