/** Threads as Linux knows them: the way to find out at once whether one has died. */

import { existsSync, readlinkSync } from 'node:fs';

/** This thread's number in the system; 0 where the system does not say. */
export function systemThread(): number {
  try {
    // `PID/task/TID`
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return 0;
  }
}

/** Whether the thread of this process that had the number is there no more. */
export function isDead(thread: number): boolean {
  return thread > 0 && !existsSync(`/proc/self/task/${thread}`);
}
