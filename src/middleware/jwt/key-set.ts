/** The keys as one thread has them, and the wait for newer ones. */

import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import type { Shared } from '../middleware.ts';
import { PAUSE, type SharedKeys } from './key-source.ts';

/** Requests that wait for newer keys at one time; who makes up key ids must not take every place there is to wait. */
const MOST_WAITING = 1024;

export interface KeySet {
  /** Whether a token that names this key can be verified. */
  has(kid: string): boolean;
  /** As jose wants it. */
  readonly find: JWTVerifyGetKey;
}

export class CurrentKeys {
  /** Another object whenever the keys have changed. */
  current: KeySet;
  readonly #shared: Shared<SharedKeys>;
  #value: SharedKeys;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asked: Promise<void> | undefined;
  #onAnswer: () => void = () => {};
  #waiting = 0;

  /** @param onRemoval called when a key is gone, or another */
  constructor(shared: Shared<SharedKeys>, onRemoval: () => void) {
    this.#shared = shared;
    this.#value = shared.value;
    this.current = keySetOf(shared.value);
    shared.onChange((value) => {
      const last = this.#value;
      this.#value = value;
      if (value.keys.join() !== last.keys.join()) this.current = keySetOf(value);
      if (!last.keys.every((key) => value.keys.includes(key))) onRemoval();
      if (value.answered > last.answered) this.#answered();
    });
  }

  /** Has the keys fetched anew, unless that was done a moment ago. Resolves, then or at once; never rejects. */
  async renew(): Promise<void> {
    if (this.#asked === undefined) {
      const now = performance.now();
      if (now - this.#askedAt < PAUSE) return;
      this.#askedAt = now;
      this.#asked = new Promise((resolve) => {
        this.#onAnswer = resolve;
      });
      this.#shared.ask(undefined);
    }
    if (this.#waiting >= MOST_WAITING) return;
    this.#waiting++;
    await this.#asked;
  }

  #answered(): void {
    this.#asked = undefined;
    this.#waiting = 0;
    this.#onAnswer();
  }
}

function keySetOf({ keys }: SharedKeys): KeySet {
  const set = keys.map((key) => JSON.parse(key));
  const kids = new Set<unknown>(set.map(({ kid }) => kid));
  return { has: (kid) => kids.has(kid), find: createLocalJWKSet({ keys: set }) };
}
