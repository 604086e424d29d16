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
