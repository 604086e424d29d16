/** A logger that remembers: what was logged, at which level, with which fields. */

import { LineLogger, type LogLine } from '../../src/pkg/logger.ts';

export class MemoryLogger extends LineLogger {
  readonly lines: LogLine[];

  constructor() {
    const lines: LogLine[] = [];
    super((line) => lines.push(line));
    this.lines = lines;
  }
}
