/** The log of a worker: lines are sent to the supervisor, which writes them with the worker's number. */

import { LineLogger, type Logger, type LogLine } from '../pkg/logger.ts';
import { jsonOf, receiveError, type SentError, sendError } from './sent-error.ts';

export interface PostedLine extends LogLine {
  /** Fields that are errors; the others are as JSON has them. */
  readonly errors: Readonly<Record<string, SentError>>;
}

export class PostingLogger extends LineLogger {
  constructor(post: (line: PostedLine) => void) {
    super(({ level, message, fields: given }) => {
      const fields: Record<string, unknown> = {};
      const errors: Record<string, SentError> = {};
      for (const [key, value] of Object.entries(given)) {
        if (value instanceof Error) errors[key] = sendError(value);
        else fields[key] = jsonOf(value);
      }
      post({ level, message, fields, errors });
    });
  }
}

/** Writes a line that was sent. */
export function writeLine({ level, message, fields, errors }: PostedLine, logger: Logger): void {
  const received = Object.entries(errors).map(([key, error]) => [key, receiveError(error)] as const);
  logger[level]({ ...fields, ...Object.fromEntries(received) }, message);
}
