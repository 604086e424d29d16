/** Tells on standard error what is wrong, a line each: for commands that are over at once. */

import { ConfigError } from '../config/problem.ts';
import { LineLogger, type Logger } from '../pkg/logger.ts';

const USAGE = 2;

type Level = 'error' | 'warning';

export function tell(level: Level, message: string): void {
  process.stderr.write(`${level}: ${message}\n`);
}

/** Of a command line that cannot be understood. Returns the exit code. */
export function tellUsage(message: string): number {
  tell('error', message);
  return USAGE;
}

/** As the start would tell it; every problem of a configuration. */
export function tellFailure(error: unknown): void {
  const problems = error instanceof ConfigError ? error.problems : [(error as Error).message];
  for (const problem of problems) tell('error', problem);
}

/** A logger of warnings and errors alone. */
export function problemLogger(): Logger {
  return new LineLogger(({ level, message, fields }) => {
    if (level === 'debug' || level === 'info') return;
    const { component, err } = fields as { readonly component?: string; readonly err?: Error };
    const text = `${component ? `${component}: ` : ''}${message}${err ? `: ${err.message}` : ''}`;
    tell(level === 'warn' ? 'warning' : 'error', text);
  });
}
