/**
 * A set of fingerprints in memory that threads share. One thread replaces it as a whole (fingerprint-set-writer.ts);
 * all others see the old set until one moment, and from then on the new one, without a lock and without being told.
 *
 * A new version is written where the one before the present lay. A look-up that took so long that its version is
 * being written over finds out, and looks again: it takes nanoseconds, and a version stays for half a second at least.
 *
 * Memory is used again, not allocated anew, because V8 does not count what is shared: it sees no need to collect
 * replaced buffers, and they pile up. An entry takes 37 bytes, both versions counted, whatever its length.
 */

import { FINGERPRINT_WORDS } from './fingerprint.ts';
import {
  BEGUN,
  FingerprintSetMemory,
  FULL,
  LINE_WORDS,
  LINES,
  lineOf,
  MORE,
  SIZES,
  VERSION,
} from './fingerprint-set-memory.ts';

export class FingerprintSet {
  readonly memory: FingerprintSetMemory;

  static create(capacity: number): FingerprintSet {
    return new FingerprintSet(FingerprintSetMemory.create(capacity));
  }

  /** The same set in another thread. */
  static open(buffer: SharedArrayBuffer): FingerprintSet {
    return new FingerprintSet(new FingerprintSetMemory(buffer));
  }

  private constructor(memory: FingerprintSetMemory) {
    this.memory = memory;
  }

  get size(): number {
    const { control } = this.memory;
    return control[SIZES + (Atomics.load(control, VERSION) & 1)] as number;
  }

  has(fingerprint: Int32Array): boolean {
    const { control } = this.memory;
    for (;;) {
      const version = Atomics.load(control, VERSION);
      const found = this.#isIn(version & 1, fingerprint);
      if (Atomics.load(control, BEGUN) - version < 2) return found;
    }
  }

  #isIn(half: number, fingerprint: Int32Array): boolean {
    const words = this.memory.halves[half] as Int32Array;
    const lines = this.memory.control[LINES + half] as number;
    const first = lineOf(fingerprint, 0, lines);
    let line = first;
    // What is being written over may say anything, but the lines come to an end.
    do {
      const start = line * LINE_WORDS;
      for (let at = start; at < start + FULL; at += FINGERPRINT_WORDS) {
        if (
          words[at] === fingerprint[0] &&
          words[at + 1] === fingerprint[1] &&
          words[at + 2] === fingerprint[2]
        ) {
          return true;
        }
      }
      if (words[start + MORE] === 0) return false;
      line = line + 1 < lines ? line + 1 : 0;
    } while (line !== first);
    return false;
  }
}
