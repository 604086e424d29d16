/** A list of digests, such as infohashes, in memory that all threads share. */

import { DigestSet } from '../pkg/digest-set.ts';
import { DigestSetWriter } from '../pkg/digest-set-writer.ts';
import type { ListContents } from './list-part.ts';

/** Room for entries to come, so that a list that grows a little stays where it is. */
const SPARE = 1024;

/** Milliseconds of work between two turns of the event loop. */
const SLICE = 2;

/** Writes the digest of an entry; returns what was expected, if it is not that. */
export type ReadDigest = (
  text: Uint8Array,
  start: number,
  end: number,
  digest: Int32Array,
) => string | undefined;

export interface DigestOptions {
  /** Words of 32 bits in a digest. */
  readonly words: number;
  /** Bytes of the shortest entry. */
  readonly shortest: number;
  readonly secret?: boolean;
  readonly cuttable?: boolean;
  readonly read: ReadDigest;
}

export class DigestContents implements ListContents<SharedArrayBuffer> {
  readonly shortest: number;
  readonly secret: boolean;
  readonly cuttable: boolean;
  readonly #read: ReadDigest;
  readonly #digest: Int32Array;
  #set: DigestSet;
  /** What is written now: the set itself, or one with more room that takes its place. */
  #next: DigestSet;
  #writer: DigestSetWriter;

  constructor({ words, shortest, secret = false, cuttable = false, read }: DigestOptions) {
    this.shortest = shortest;
    this.secret = secret;
    this.cuttable = cuttable;
    this.#read = read;
    this.#digest = new Int32Array(words);
    this.#set = this.#next = DigestSet.create(words, 0);
    this.#writer = new DigestSetWriter(this.#next);
  }

  get value(): SharedArrayBuffer {
    return this.#set.memory.buffer;
  }

  get size(): number {
    return this.#set.size;
  }

  /** Of the thread that keeps it up to date. */
  get set(): DigestSet {
    return this.#set;
  }

  begin(most: number): void {
    if (most <= this.#set.memory.capacity) {
      this.#next = this.#set;
    } else if (most > this.#next.memory.capacity) {
      // A replaced buffer may stay for long (see digest-set.ts): so each is larger than all before it together. Memory
      // that is not written to is none.
      const { capacity, words } = this.#next.memory;
      this.#next = DigestSet.create(words, Math.max(most + (most >> 3) + SPARE, 2 * capacity));
    }
    this.#writer = new DigestSetWriter(this.#next);
  }

  take(text: Uint8Array, start: number, end: number): string | undefined {
    const expected = this.#read(text, start, end, this.#digest);
    if (expected === undefined) this.#writer.add(this.#digest);
    return expected;
  }

  add(digest: Int32Array): void {
    this.#writer.add(digest);
  }

  async finish(): Promise<void> {
    let pause = performance.now() + SLICE;
    for (const _ of this.#writer.finish()) {
      if (performance.now() < pause) continue;
      await new Promise((resolve) => setImmediate(resolve));
      pause = performance.now() + SLICE;
    }
    this.#set = this.#next;
  }
}
