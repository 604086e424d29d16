/**
 * Tells when a file, or a directory, has changed and come to rest. It looks when it is told to, by the file's name:
 * a file that is replaced by another, or that a link leads to, is seen as well as one that is written to, on
 * network drives too. A file that is being written is not at rest until it has stayed the same for a while.
 */

import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How long a file must have stayed the same, in milliseconds. */
const REST = 400;

export class FileWatch {
  readonly #path: string;
  #seen: string | undefined;
  #since = 0;
  #taken: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether the file is at rest and another than the one taken last, which it then is. */
  async take(): Promise<boolean> {
    // What the look finds is told later, on a busy machine much later: it may have been written to meanwhile.
    const looked = performance.now();
    const seen = await fingerprint(this.#path);
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#since = performance.now();
    }
    if (seen === this.#taken || looked - this.#since < REST) return false;
    this.#taken = seen;
    return true;
  }

  /** Whether it was at rest when it was looked at last, and has been taken. */
  get taken(): boolean {
    return this.#seen === this.#taken;
  }

  /** Takes the file as it is. */
  async takeNow(): Promise<void> {
    this.#seen = this.#taken = await fingerprint(this.#path);
    this.#since = performance.now();
  }

  /** Has the file taken again as soon as it is at rest, changed or not. */
  forget(): void {
    this.#taken = undefined;
  }
}

/** What is different for a file that is another, or has been written to. */
export function fingerprintOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** Of what stands under `path` now, be it nothing. */
async function fingerprint(path: string): Promise<string> {
  try {
    return fingerprintOf(await stat(path, { bigint: true }));
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
