/** Tells on standard error what is wrong, a line each: for commands that are over at once. */

import { ConfigError } from '../config/problem.ts';
import type { Logger } from '../pkg/logger.ts';

type Level = 'error' | 'warning';

export function tell(level: Level, message: string): void {
  process.stderr.write(`${level}: ${message}\n`);
}

/** As the start would tell it; every problem of a configuration. */
export function tellFailure(error: unknown): void {
  const problems = error instanceof ConfigError ? error.problems : [(error as Error).message];
  for (const problem of problems) tell('error', problem);
}

/** A logger of warnings and errors alone. */
export function problemLogger(component?: string): Logger {
  const say = (level: Level) => (fields: object | string, message?: string) => {
    const { err } = fields as { readonly err?: Error };
    const text = message ?? (fields as string);
    tell(level, `${component ? `${component}: ` : ''}${text}${err ? `: ${err.message}` : ''}`);
  };
  return {
    debug() {},
    info() {},
    warn: say('warning'),
    error: say('error'),
    child: (fields) => problemLogger((fields as { readonly component?: string }).component),
  };
}
