/** A list of infohashes, passkeys or the like, kept as fingerprints of its entries in memory that all threads share. */

import type { Fingerprint } from '../pkg/fingerprint.ts';
import { FingerprintSet } from '../pkg/fingerprint-set.ts';
import { FingerprintSetWriter } from '../pkg/fingerprint-set-writer.ts';
import type { ListContents } from './list-part.ts';

/** Room for entries to come, so that a list that grows a little stays where it is. */
const SPARE = 1024;

/** Milliseconds of work between two turns of the event loop. */
const SLICE = 2;

export interface FingerprintListOptions {
  /** Makes the fingerprints; it is the list's own. */
  readonly fingerprint: Fingerprint;
  /** Bytes of the shortest entry. */
  readonly shortest: number;
  readonly secret?: boolean;
  readonly cuttable?: boolean;
  /** Has the fingerprint of the entry `text[start, end)` made. Returns what was expected, if it is not that. */
  readonly read: (text: Uint8Array, start: number, end: number) => string | undefined;
}

export class FingerprintList implements ListContents<SharedArrayBuffer> {
  readonly shortest: number;
  readonly secret: boolean;
  readonly cuttable: boolean;
  readonly #options: FingerprintListOptions;
  #set = FingerprintSet.create(0);
  /** What is written now: the set itself, or one with more room that takes its place. */
  #next = this.#set;
  #writer = new FingerprintSetWriter(this.#next);

  constructor(options: FingerprintListOptions) {
    this.#options = options;
    this.shortest = options.shortest;
    this.secret = options.secret ?? false;
    this.cuttable = options.cuttable ?? false;
  }

  get value(): SharedArrayBuffer {
    return this.#set.memory.buffer;
  }

  get size(): number {
    return this.#set.size;
  }

  begin(most: number): void {
    if (most <= this.#set.memory.capacity) {
      this.#next = this.#set;
    } else if (most > this.#next.memory.capacity) {
      // A replaced buffer may stay for long (see fingerprint-set.ts): so each is larger than all before it together.
      // Memory that is not written to is none.
      const capacity = Math.max(most + (most >> 3) + SPARE, 2 * this.#next.memory.capacity);
      this.#next = FingerprintSet.create(capacity);
    }
    this.#writer = new FingerprintSetWriter(this.#next);
  }

  take(text: Uint8Array, start: number, end: number): string | undefined {
    const expected = this.#options.read(text, start, end);
    if (expected === undefined) this.#writer.add(this.#options.fingerprint.words);
    return expected;
  }

  async finish(): Promise<void> {
    let pause = performance.now() + SLICE;
    for (const _ of this.#writer.finish()) {
      if (performance.now() < pause) continue;
      await new Promise((resolve) => setImmediate(resolve));
      pause = performance.now() + SLICE;
    }
    this.#set = this.#next;
    // What waited to be placed is of no more use.
    this.#writer = new FingerprintSetWriter(this.#set);
  }
}
