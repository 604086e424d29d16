/** The lists of a hook as a thread looks things up in them. */

import { Fingerprint } from '../pkg/fingerprint.ts';
import { FingerprintSet } from '../pkg/fingerprint-set.ts';

/** What the threads are given. */
export interface FingerprintLists {
  /** What fingerprints are made with. */
  readonly key: Int32Array;
  /** The sets: of the configuration, of a file, and so on. */
  readonly lists: readonly SharedArrayBuffer[];
}

export class ListLookup {
  /** Makes the fingerprint of what is looked up. */
  readonly fingerprint: Fingerprint;
  #sets: readonly FingerprintSet[];

  /** @param longest bytes of the longest string that is looked up */
  constructor({ key, lists }: FingerprintLists, longest: number) {
    this.fingerprint = new Fingerprint(key, longest);
    this.#sets = lists.map(FingerprintSet.open);
  }

  /** Takes lists that lie in other memory. */
  replace({ lists }: FingerprintLists): void {
    this.#sets = lists.map(FingerprintSet.open);
  }

  /** Whether what the fingerprint was made of last is on one of the lists. */
  isListed(): boolean {
    const { words } = this.fingerprint;
    for (let i = 0; i < this.#sets.length; i++) if ((this.#sets[i] as FingerprintSet).has(words)) return true;
    return false;
  }
}
