/** Minutes until a client may send its request again, or `never` (BEP 31). */
export type RetryIn = number | 'never';

export interface ClientErrorOptions {
  readonly retryIn?: RetryIn | undefined;
}

/**
 * A mistake of the client, told to the client.
 *
 * The text is sent on the wire and used as a metric label, so it is fixed: nothing of a request may
 * be part of it. Anything that is not a ClientError reaches a client as `internal server error`.
 *
 * Make one at module level and throw that same object each time: capturing a stack for every
 * refused packet would hand attackers a lever.
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** When the client may ask again; `undefined` leaves it to the client. HTTP tells it, UDP has no field for it. */
  readonly retryIn: RetryIn | undefined;

  /** @param message fixed text, sent as the failure reason (BEP 3) or the error message (BEP 15) */
  constructor(message: string, { retryIn }: ClientErrorOptions = {}) {
    if (typeof retryIn === 'number' && !(Number.isSafeInteger(retryIn) && retryIn > 0)) {
      throw new RangeError(`expected "never" or a whole number of minutes above zero, found ${retryIn}`);
    }
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.retryIn = retryIn;
  }
}

/** What a client is told when the fault is not its own. */
export const INTERNAL_SERVER_ERROR = 'internal server error';

/** The port of an announce is 0. */
export const invalidPort = new ClientError('invalid port');

/** The peer's address is not a usable IP address. */
export const invalidIp = new ClientError('failed to parse peer IP address');

/** A `%` that is not followed by two hex digits. */
export const invalidQueryEscape = new ClientError('invalid query escape');
