/**
 * A set of client ids, asked with a peer id. The six bytes are compared as two numbers of 24 bits,
 * which the engine keeps without allocating; no text is made.
 */

import { CLIENT_ID_LENGTH, clientIdOffset } from '../../bittorrent/client-id.ts';

export class ClientIdSet {
  /** The first three bytes, and under them the last three. */
  readonly #byFirstHalf = new Map<number, Set<number>>();

  /** @throws RangeError if an id is not six bytes of UTF-8 */
  constructor(ids: readonly string[]) {
    for (const id of ids) this.#add(id);
  }

  /** Whether the client that made this peer id (20 bytes) is in the set. */
  hasClientOf(peerId: Uint8Array): boolean {
    const at = clientIdOffset(peerId);
    return this.#byFirstHalf.get(read24(peerId, at))?.has(read24(peerId, at + 3)) ?? false;
  }

  #add(id: string): void {
    const bytes = Buffer.from(id);
    if (bytes.length !== CLIENT_ID_LENGTH) {
      throw new RangeError(`expected a client id of ${CLIENT_ID_LENGTH} bytes, found "${id}"`);
    }
    const first = read24(bytes, 0);
    const second = this.#byFirstHalf.get(first) ?? new Set();
    this.#byFirstHalf.set(first, second.add(read24(bytes, 3)));
  }
}

function read24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
