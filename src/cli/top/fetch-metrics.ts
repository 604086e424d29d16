/** Asks a tracker for its metrics. */

import { type Metrics, parseMetrics } from './prometheus-text.ts';

/** Milliseconds. A tracker that is slower than this is as good as away. */
const TIMEOUT = 5_000;

/** @throws Error that says in few words why there is no answer */
export async function fetchMetrics(url: string, stopped: AbortSignal): Promise<Metrics> {
  const timeout = AbortSignal.timeout(TIMEOUT);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { signal: AbortSignal.any([timeout, stopped]), redirect: 'error' });
    text = await response.text();
  } catch (error) {
    if (timeout.aborted) throw new Error(`no complete answer within ${TIMEOUT / 1000} s`);
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
    // Where a name has several addresses the cause has no message.
    throw new Error(cause?.message || cause?.code || message);
  }
  if (response.status !== 200) throw new Error(`expected status 200, found ${response.status}`);
  const metrics = parseMetrics(text);
  if (![...metrics.keys()].some((name) => name.startsWith('chihaya_'))) {
    throw new Error('expected the metrics of a tracker, found none');
  }
  return metrics;
}
