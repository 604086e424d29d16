/**
 * Replaces a FingerprintSet: fingerprints are added one after another, and then all of them count at once. Until
 * then, and if it never comes to that, the set is what it was. One writer at a time.
 */

import { FINGERPRINT_WORDS } from './fingerprint.ts';
import type { FingerprintSet } from './fingerprint-set.ts';
import {
  BEGUN,
  type FingerprintSetMemory,
  FULL,
  LINE_WORDS,
  LINES,
  lineOf,
  linesFor,
  MORE,
  SIZES,
  VERSION,
} from './fingerprint-set-memory.ts';

/** Fingerprints that are placed between two pauses: about a quarter of a millisecond's work. */
const STEP = 2048;

/** Words that are cleared between two pauses. */
const CLEARED = 1 << 18;

const FIRST_ROOM = 1024 * FINGERPRINT_WORDS;

export class FingerprintSetWriter {
  readonly #memory: FingerprintSetMemory;
  /** Where fingerprints wait until it is known how many there are. */
  #added = new Int32Array(FIRST_ROOM);
  #size = 0;

  constructor({ memory }: FingerprintSet) {
    this.#memory = memory;
  }

  /** @throws RangeError if there is no room for it */
  add(fingerprint: Int32Array): void {
    const { capacity } = this.#memory;
    if (this.#size === capacity) throw new RangeError(`a set of ${capacity} fingerprints is full`);
    const at = this.#size++ * FINGERPRINT_WORDS;
    if (at === this.#added.length) this.#grow();
    for (let i = 0; i < FINGERPRINT_WORDS; i++) this.#added[at + i] = fingerprint[i] as number;
  }

  /** Has what was added count, and nothing else. Yields where others may have their turn; nothing may be added then. */
  *finish(): Generator<void> {
    const { control, halves } = this.#memory;
    const version = Atomics.load(control, VERSION) + 1;
    const words = halves[version & 1] as Int32Array;
    const lines = linesFor(this.#size);
    // From here on nobody relies on what lay here.
    Atomics.store(control, BEGUN, version);
    for (let at = 0; at < lines * LINE_WORDS; at += CLEARED) {
      words.fill(0, at, Math.min(at + CLEARED, lines * LINE_WORDS));
      yield;
    }
    let size = 0;
    for (let i = 0; i < this.#size; i++) {
      if (this.#place(i * FINGERPRINT_WORDS, words, lines)) size++;
      if (i % STEP === 0) yield;
    }
    control[SIZES + (version & 1)] = size;
    control[LINES + (version & 1)] = lines;
    Atomics.store(control, VERSION, version);
  }

  /**
   * Puts the fingerprint that waits at `from` into its line, or the next one that has room. Returns false if it is there
   * already: a list of one entry a million times must not fill line after line.
   */
  #place(from: number, words: Int32Array, lines: number): boolean {
    const added = this.#added;
    for (let line = lineOf(added, from, lines); ; line = line + 1 < lines ? line + 1 : 0) {
      const start = line * LINE_WORDS;
      for (let at = start; at < start + FULL; at += FINGERPRINT_WORDS) {
        if (words[at] === 0) {
          for (let i = 0; i < FINGERPRINT_WORDS; i++) words[at + i] = added[from + i] as number;
          return true;
        }
        if (
          words[at] === added[from] &&
          words[at + 1] === added[from + 1] &&
          words[at + 2] === added[from + 2]
        )
          return false;
      }
      words[start + MORE] = 1;
    }
  }

  #grow(): void {
    const grown = new Int32Array(2 * this.#added.length);
    grown.set(this.#added);
    this.#added = grown;
  }
}
