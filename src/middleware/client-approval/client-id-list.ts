/** A list of client ids, as plain data: there are never many. */

import { CLIENT_ID_LENGTH } from '../../bittorrent/client-id.ts';
import type { ListContents } from '../list-part.ts';

export class ClientIdList implements ListContents<readonly Uint8Array[]> {
  readonly shortest = CLIENT_ID_LENGTH;
  value: readonly Uint8Array[] = [];
  #next: Uint8Array[] = [];

  get size(): number {
    return this.value.length;
  }

  begin(): void {
    this.#next = [];
  }

  take(text: Uint8Array, start: number, end: number): string | undefined {
    if (end - start !== CLIENT_ID_LENGTH) return `a client id of ${CLIENT_ID_LENGTH} bytes, such as TR4050`;
    this.#next.push(Uint8Array.from(text.subarray(start, end)));
    return undefined;
  }

  async finish(): Promise<void> {
    this.value = this.#next;
  }
}
