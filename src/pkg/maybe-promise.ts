/** A value now, or a promise of it: what lets the common, synchronous path stay synchronous. */

export type MaybePromise<T> = T | Promise<T>;

/** Whether `value` has to be waited for. Any thenable counts: hooks are not all written by us. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
