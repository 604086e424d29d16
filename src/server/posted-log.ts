/** The log of a worker: lines are sent to the supervisor, which writes them with the worker's number. */

import type { Logger } from '../pkg/logger.ts';
import { jsonOf, receiveError, type SentError, sendError } from './sent-error.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

export interface PostedLine {
  readonly level: Level;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Fields that are errors. */
  readonly errors: Readonly<Record<string, SentError>>;
}

export class PostingLogger implements Logger {
  readonly #post: (line: PostedLine) => void;
  readonly #fields: object;

  constructor(post: (line: PostedLine) => void, fields: object = {}) {
    this.#post = post;
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
    return new PostingLogger(this.#post, { ...this.#fields, ...fields });
  }

  #log(level: Level, first: object | string, second = ''): void {
    const [own, message] = typeof first === 'string' ? [{}, first] : [first, second];
    const fields: Record<string, unknown> = {};
    const errors: Record<string, SentError> = {};
    for (const [key, value] of Object.entries({ ...this.#fields, ...own })) {
      if (value instanceof Error) errors[key] = sendError(value);
      else fields[key] = jsonOf(value);
    }
    this.#post({ level, message, fields, errors });
  }
}

/** Writes a line that was sent. */
export function writeLine({ level, message, fields, errors }: PostedLine, logger: Logger): void {
  const received = Object.entries(errors).map(([key, error]) => [key, receiveError(error)] as const);
  logger[level]({ ...fields, ...Object.fromEntries(received) }, message);
}
