/** A logger that remembers: what was logged, at which level, with which fields. */

import type { Logger } from '../../src/pkg/logger.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class MemoryLogger implements Logger {
  readonly lines: LogLine[];
  readonly #fields: object;

  constructor(lines: LogLine[] = [], fields: object = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  debug(first: object | string, message?: string): void {
    this.#log('debug', first, message);
  }

  info(first: object | string, message?: string): void {
    this.#log('info', first, message);
  }

  warn(first: object | string, message?: string): void {
    this.#log('warn', first, message);
  }

  error(first: object | string, message?: string): void {
    this.#log('error', first, message);
  }

  child(fields: object): Logger {
    return new MemoryLogger(this.lines, { ...this.#fields, ...fields });
  }

  #log(level: LogLine['level'], first: object | string, message = ''): void {
    const fields = typeof first === 'string' ? this.#fields : { ...this.#fields, ...first };
    this.lines.push({
      level,
      message: typeof first === 'string' ? first : message,
      fields: fields as LogLine['fields'],
    });
  }
}
