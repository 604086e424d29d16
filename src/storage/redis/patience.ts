/** How long a stop waits for Redis: what it does takes milliseconds, unless it hangs. */

import { setTimeout as wait } from 'node:timers/promises';

const PATIENCE = 1000;

/** Resolves when `work` does, or after a second. */
export async function patiently(work: Promise<void> | undefined): Promise<void> {
  const ended = new AbortController();
  await Promise.race([work, wait(PATIENCE, undefined, { signal: ended.signal }).catch(() => {})]);
  ended.abort();
}
