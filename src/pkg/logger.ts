/** What the tracker logs through: the part of pino's interface that it uses, so that an embedder may bring its own. */

export interface Logger {
  debug(fields: object, message: string): void;
  debug(message: string): void;
  info(fields: object, message: string): void;
  info(message: string): void;
  warn(fields: object, message: string): void;
  warn(message: string): void;
  error(fields: object, message: string): void;
  error(message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger;
}

/** Says nothing: for tests and for embedders that want silence. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Hands every line to one function, whatever its level; those of its children, too. */
export class LineLogger implements Logger {
  readonly #take: (line: LogLine) => void;
  readonly #fields: object;

  constructor(take: (line: LogLine) => void, fields: object = {}) {
    this.#take = take;
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
    return new LineLogger(this.#take, { ...this.#fields, ...fields });
  }

  #log(level: LogLine['level'], first: object | string, second = ''): void {
    const [own, message] = typeof first === 'string' ? [{}, first] : [first, second];
    this.#take({ level, message, fields: { ...this.#fields, ...own } });
  }
}
