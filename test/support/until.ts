/** Waits for what nobody tells of, by asking again and again. */

import { setTimeout as wait } from 'node:timers/promises';

const INTERVAL = 5;

/**
 * Resolves with what `ask` returns as soon as that is neither `undefined` nor `false`. An error means that it is not
 * so yet; the last one is told if it never is.
 *
 * @param what is waited for, to follow "waited … for"
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeout = 20_000,
): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${what}`, { cause });
    await wait(INTERVAL);
  }
}
