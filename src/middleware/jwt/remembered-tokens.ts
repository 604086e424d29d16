/**
 * Tokens that were verified for an infohash, until they expire. Of each there is a digest and a time, about 110 bytes; when
 * there is no more room, those go first that were verified first.
 */

import { hash } from 'node:crypto';
import type { Infohash } from '../../bittorrent/infohash.ts';
import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import { latin1 } from '../../pkg/bytes.ts';

const MOST = 65_536;

export class RememberedTokens {
  readonly #expiries = new Map<string, number>();

  /** What a token is remembered by, for that infohash and no other. */
  static digest(token: string, infohash: Infohash): string {
    return hash('sha256', `${token} ${latin1(infohash.bytes, 0, INFOHASH_LENGTH)}`, 'base64');
  }

  has(digest: string): boolean {
    const expiry = this.#expiries.get(digest);
    if (expiry === undefined) return false;
    if (Date.now() < expiry) return true;
    this.#expiries.delete(digest);
    return false;
  }

  /** @param expiry milliseconds since 1970 */
  add(digest: string, expiry: number): void {
    if (this.#expiries.size >= MOST) {
      const [first] = this.#expiries.keys();
      if (first !== undefined) this.#expiries.delete(first);
    }
    this.#expiries.set(digest, expiry);
  }

  clear(): void {
    this.#expiries.clear();
  }
}
