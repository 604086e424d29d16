/**
 * Tells when a file is another than it was: written anew, replaced by renaming, or behind a symlink that was turned, as
 * Kubernetes does with all files of a ConfigMap at once. It looks now and then instead of having the system tell it:
 * that sees all of these, on every file system.
 */

import { statSync } from 'node:fs';
import { fingerprintOf } from '../pkg/file-watch.ts';

/** Milliseconds between two looks. */
const INTERVAL = 500;

/**
 * Calls `onChange` when the file has changed and then stayed the same from one look to the next, so that one that is
 * being written is not taken for whole. A file that is gone has not changed.
 *
 * @returns what ends it
 */
export function watchFile(path: string, onChange: () => void, interval = INTERVAL): () => void {
  let known = stateOf(path);
  let last = known;
  const timer = setInterval(() => {
    const state = stateOf(path);
    const settled = state === last;
    last = state;
    if (!settled || state === undefined || state === known) return;
    known = state;
    onChange();
  }, interval);
  timer.unref();
  return () => clearInterval(timer);
}

/** What changes whenever the file does; `undefined` if there is none. */
function stateOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && fingerprintOf(stats);
}
