/** A thread that looks up digests in a set that another thread replaces all the time. JavaScript, and of the compiled
 * set: Node 20 starts no thread from TypeScript. */

import { parentPort, workerData } from 'node:worker_threads';
import { DigestSet } from '../../build/pkg/digest-set.js';

const { buffer, always, never, stop } = workerData;
const set = DigestSet.open(buffer);
const flag = new Int32Array(stop);
let lookups = 0;
let faults = 0;
parentPort.postMessage('looking');
while (Atomics.load(flag, 0) === 0) {
  for (const digest of always) if (!set.has(digest)) faults++;
  for (const digest of never) if (set.has(digest)) faults++;
  lookups += always.length + never.length;
}
parentPort.postMessage({ lookups, faults });
