/** Errors on their way from one thread to another: a structured clone of one keeps neither its name nor its code. */

export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Fields of the error's own, such as `code`, as JSON has them. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: SentError | undefined;
}

/** Causes of causes that are sent. */
const MOST_CAUSES = 8;

export function sendError(thrown: unknown, causes = MOST_CAUSES): SentError {
  if (!(thrown instanceof Error)) return sendError(new Error(String(thrown)), causes);
  const { name, message, stack, cause, ...fields } = thrown;
  return {
    name: thrown.constructor.name || name,
    message,
    stack,
    fields: jsonOf(fields) as Record<string, unknown>,
    cause: cause === undefined || causes === 0 ? undefined : sendError(cause, causes - 1),
  };
}

export function receiveError({ name, message, stack, fields, cause }: SentError): Error {
  const error = new Error(message, cause && { cause: receiveError(cause) });
  Object.assign(error, fields);
  // Loggers tell an error's type by the name of its constructor.
  const type = Object.defineProperty(class extends Error {}, 'name', { value: name });
  for (const [key, value] of Object.entries({ name, stack, constructor: type })) {
    Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
  }
  return error;
}

/** What a log in JSON would show of a value. */
export function jsonOf(value: unknown): unknown {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return String(value);
  }
}
