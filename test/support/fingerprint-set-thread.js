/**
 * A thread that looks up fingerprints in a set that another thread replaces all the time. JavaScript, and of the
 * compiled set: Node 20 starts no thread from TypeScript.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { FingerprintSet } from '../../build/pkg/fingerprint-set.js';

const { buffer, always, never, stop } = workerData;
const set = FingerprintSet.open(buffer);
const flag = new Int32Array(stop);
let lookups = 0;
let faults = 0;
parentPort.postMessage('looking');
while (Atomics.load(flag, 0) === 0) {
  for (const fingerprint of always) if (!set.has(fingerprint)) faults++;
  for (const fingerprint of never) if (set.has(fingerprint)) faults++;
  lookups += always.length + never.length;
}
parentPort.postMessage({ lookups, faults });
