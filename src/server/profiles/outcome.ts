/** What comes of profiling a thread, and how one thread asks another to profile itself. */

import type { MessagePort } from 'node:worker_threads';
import type { Outcome, ProfileOrder } from './profile-source.ts';
import type { ThreadProfiler } from './thread-profiler.ts';

/** How much longer than the profile takes a thread may take to answer, in milliseconds. */
const PATIENCE = 5_000;

/** Profiles this thread. */
export async function ownOutcome(
  profiler: ThreadProfiler,
  order: ProfileOrder,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return { profile: await profiler.take(order, signal) };
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

/**
 * Waits for another thread's answer. Either side closes the port when it is no longer interested, and so does the end
 * of the thread.
 *
 * @param port the other end has been sent to the thread, which calls `answerOrder` with it
 */
export function receiveOutcome(
  port: MessagePort,
  order: ProfileOrder,
  signal: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      port.close();
      resolve(outcome);
    };
    const leave = () => settle({ missing: 'nobody waited for it' });
    const duration = order.kind === 'cpu' ? order.duration : 0;
    const timer = setTimeout(() => settle({ missing: 'it did not answer' }), duration + PATIENCE);
    port.once('message', settle);
    port.once('close', () => settle({ missing: 'it ended' }));
    signal.addEventListener('abort', leave);
  });
}

/** Profiles this thread for the one at the other end of `port`. @param profiler `undefined` while the thread starts */
export async function answerOrder(
  profiler: ThreadProfiler | undefined,
  order: ProfileOrder,
  port: MessagePort,
): Promise<void> {
  const left = new AbortController();
  port.once('close', () => left.abort());
  const outcome: Outcome = profiler
    ? await ownOutcome(profiler, order, left.signal)
    : { missing: 'it has yet to start' };
  port.postMessage(outcome);
}
