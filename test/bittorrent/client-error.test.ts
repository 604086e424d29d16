import { describe, expect, it } from 'vitest';
import { ClientError } from '../../src/bittorrent/client-error.ts';

describe('ClientError', () => {
  it.each([[undefined], [1], [1440], ['never' as const]])('takes %s for when to retry', (retryIn) => {
    expect(new ClientError('over the limit', { retryIn }).retryIn).toBe(retryIn);
  });

  it('leaves it to the client when to retry unless it is told', () => {
    expect(new ClientError('over the limit').retryIn).toBeUndefined();
  });

  it.each([0, -1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d minutes', (retryIn) => {
    expect(() => new ClientError('over the limit', { retryIn })).toThrow(
      new RangeError(`expected "never" or a whole number of minutes above zero, found ${retryIn}`),
    );
  });
});
