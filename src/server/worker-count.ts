/** How many threads serve clients. */

import { availableParallelism } from 'node:os';
import { loadLibc } from '../pkg/libc.ts';
import type { Logger } from '../pkg/logger.ts';

/** What is wanted, or 1 where several sockets cannot have one port. */
export async function workerCount(wanted: number | 'auto', logger: Logger): Promise<number> {
  const count = wanted === 'auto' ? availableParallelism() : wanted;
  if (count === 1) return 1;
  try {
    await loadLibc();
    return count;
  } catch (error) {
    const fields = { reason: (error as Error).message };
    const message = 'one thread serves clients: several would need system calls that are not to be had here';
    if (wanted === 'auto') logger.info(fields, message);
    else logger.warn(fields, message);
    return 1;
  }
}
