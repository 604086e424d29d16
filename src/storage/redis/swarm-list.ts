/** The infohashes that a collection goes through: gathered in any order, given in order, never sorted all at once. */

/** Infohashes are kept by their first digits, each part of which is sorted when its turn comes. */
const DIGITS = 3;

export class SwarmList {
  readonly #parts = new Map<string, Set<string>>();

  /** A second time does nothing. */
  add(hex: string): void {
    const start = hex.slice(0, DIGITS);
    const part = this.#parts.get(start);
    if (part) part.add(hex);
    else this.#parts.set(start, new Set([hex]));
  }

  has(hex: string): boolean {
    return this.#parts.get(hex.slice(0, DIGITS))?.has(hex) ?? false;
  }

  /** Sorted lists of at least `least` infohashes, but the last, one after the other. */
  *inOrder(least = 64): IterableIterator<string[]> {
    let list: string[] = [];
    for (const start of [...this.#parts.keys()].sort()) {
      // Not spread into arguments, of which there cannot be any number: clients choose infohashes.
      for (const hex of [...(this.#parts.get(start) as Set<string>)].sort()) list.push(hex);
      if (list.length < least) continue;
      yield list;
      list = [];
    }
    if (list.length > 0) yield list;
  }
}
