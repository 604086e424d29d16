/**
 * How far a large swarm has been copied, piece by piece, into a snapshot, and which of its peers have to be copied
 * again. The peers of a swarm keep changing places:
 *
 *              position
 *     copied      |      to be copied
 *     ······ × ◀─────────── ×             a peer that comes to a copied place would be missed: the place is noted
 *     ······ × ───────────▶ ×             one that leaves such a place is copied twice
 *
 * One swarm of a family is copied at a time. All of this is guarded by the lock of its shard; a thread that looks at
 * the first word under another lock finds a swarm there that is none of its own.
 */

import { NONE } from './hash-index.ts';
import type { StoreMemory } from './store-memory.ts';

/** Words of the area: the swarm, plus one; the first position not copied; how many are noted, and which. */
const SWARM = 0;
const POSITION = 1;
const COUNT = 2;
const NOTED = 3;

/** Many times what can change between two slices. */
const CAPACITY = 8192;

export class CopyCursor {
  readonly #words: Int32Array;

  constructor(memory: StoreMemory, area: number) {
    this.#words = memory.area(area, NOTED + CAPACITY);
  }

  /** Another peer is about to be at a position of a swarm: called before every such change. */
  note(swarm: number, position: number): void {
    const words = this.#words;
    if (words[SWARM] !== swarm + 1 || position >= (words[POSITION] as number)) return;
    const count = words[COUNT] as number;
    words[COUNT] = count + 1;
    if (count < CAPACITY) words[NOTED + count] = position;
  }

  /** From here on a swarm is copied, from its first position. */
  begin(swarm: number): void {
    this.#words[POSITION] = 0;
    this.#words[COUNT] = 0;
    this.#words[SWARM] = swarm + 1;
  }

  /** A swarm has lost its last peer, and its number may soon be another's: whoever comes later need not be copied. */
  leave(swarm: number): void {
    if (this.#words[SWARM] === swarm + 1) this.end();
  }

  end(): void {
    this.#words[SWARM] = 0;
  }

  /** The next position to copy, below `size`, or NONE. After more changes than could be noted it begins again. */
  next(size: number): number {
    const words = this.#words;
    if ((words[COUNT] as number) > CAPACITY) {
      words[COUNT] = 0;
      words[POSITION] = 0;
    }
    while ((words[COUNT] as number) > 0) {
      words[COUNT] = (words[COUNT] as number) - 1;
      const noted = words[NOTED + (words[COUNT] as number)] as number;
      if (noted < size) return noted;
    }
    const position = words[POSITION] as number;
    if (position >= size) return NONE;
    words[POSITION] = position + 1;
    return position;
  }
}
