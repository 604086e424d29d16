/** Waits for what comes about by itself, as soon as it has. */

import { setTimeout } from 'node:timers/promises';

const STEP = 5;

/** @throws Error if it has not come about within `timeout` milliseconds */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeout = 20_000,
): Promise<void> {
  const end = performance.now() + timeout;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${timeout} ms`);
    await setTimeout(STEP);
  }
}
