/** What went wrong, by kind: how often, and the first of each in full. However much goes wrong, this stays small. */

const MOST_KINDS = 100;

export class Complaints {
  readonly #kinds = new Map<string, { count: number; readonly first: string }>();

  /** @param detail what this one was; not part of the kind */
  add(kind: string, detail = ''): void {
    const known = this.#kinds.get(kind);
    if (known) known.count++;
    else if (this.#kinds.size < MOST_KINDS) this.#kinds.set(kind, { count: 1, first: detail });
  }

  get count(): number {
    return [...this.#kinds.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** A line for each kind. */
  lines(): string[] {
    return [...this.#kinds].map(
      ([kind, { count, first }]) => `${kind}, ${count} times${first === '' ? '' : `; the first: ${first}`}`,
    );
  }
}
