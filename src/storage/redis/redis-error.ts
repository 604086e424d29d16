/** Why a request to Redis failed. */

import type { Fault } from './metrics.ts';

/** Requests that may wait for their answers at once. */
export const MOST_WAITING = 16_384;

/** A request that Redis has not done, or has not said to have done. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly fault: Fault;

  constructor(fault: Fault, message: string) {
    super(message);
    this.fault = fault;
  }
}

// One object each: when Redis is gone, every announce fails in the same way.
export const unreachable = new RedisError('connection', 'Redis cannot be reached');
export const lost = new RedisError('connection', 'the connection to Redis was lost');
export const overload = new RedisError('overload', `${MOST_WAITING} requests wait for Redis already`);
export const late = new RedisError('timeout', 'Redis did not answer in time');
