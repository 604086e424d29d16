/** What a hook in this thread sees of the value that its kind shares among all threads. */

import type { Shared } from '../middleware/middleware.ts';

export class SharedValue implements Shared {
  #value: unknown;
  readonly #ask: (message: unknown) => void;
  readonly #listeners: ((value: unknown) => void)[] = [];

  constructor(value: unknown, ask: (message: unknown) => void) {
    this.#value = value;
    this.#ask = ask;
  }

  get value(): unknown {
    return this.#value;
  }

  onChange(listener: (value: unknown) => void): void {
    this.#listeners.push(listener);
  }

  ask(message: unknown): void {
    this.#ask(message);
  }

  /** Takes a later value. */
  set(value: unknown): void {
    this.#value = value;
    for (const listener of this.#listeners) listener(value);
  }
}
