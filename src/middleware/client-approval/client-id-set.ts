/**
 * A set of client ids, asked with a peer id. The six bytes are compared as two numbers of 24 bits,
 * which the engine keeps without allocating; no text is made.
 */

import { clientIdOffset } from '../../bittorrent/client-id.ts';

export class ClientIdSet {
  /** The first three bytes, and under them the last three. */
  readonly #byFirstHalf = new Map<number, Set<number>>();

  /** @param ids six bytes each */
  constructor(ids: readonly Uint8Array[]) {
    for (const id of ids) {
      const first = read24(id, 0);
      const second = this.#byFirstHalf.get(first) ?? new Set();
      this.#byFirstHalf.set(first, second.add(read24(id, 3)));
    }
  }

  /** Whether the client that made this peer id (20 bytes) is in the set. */
  hasClientOf(peerId: Uint8Array): boolean {
    const at = clientIdOffset(peerId);
    return this.#byFirstHalf.get(read24(peerId, at))?.has(read24(peerId, at + 3)) ?? false;
  }
}

function read24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
