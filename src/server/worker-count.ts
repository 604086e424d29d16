/** How many threads serve clients, and whether libuv's pool is large enough for them. */

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

/** What libuv takes without UV_THREADPOOL_SIZE. */
const POOL_SIZE = 4;

/** Each worker keeps a thread of libuv's pool waiting: docs/adr/0016-one-poller-a-thread.md. */
export function checkPool(workers: number, logger: Logger): void {
  const size = Number(process.env.UV_THREADPOOL_SIZE) || POOL_SIZE;
  if (workers < size) return;
  logger.warn(
    `${workers} workers keep ${workers} threads of libuv's pool, which has ${size}: reading files and looking up names will take seconds. ` +
      `Start with UV_THREADPOOL_SIZE=${workers + POOL_SIZE} in the environment`,
  );
}
