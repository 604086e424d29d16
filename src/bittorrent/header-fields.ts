/**
 * The header fields of an HTTP request, for hooks; none over UDP. Nothing is looked at until somebody asks, and a frontend
 * has only to say where they stand: lines that end in CRLF, which it has found to be well-formed.
 */

import { latin1 } from '../pkg/bytes.ts';

const CR = 0x0d;
const COLON = 0x3a;
const NOTHING = new Uint8Array(0);

export class HeaderFields {
  #bytes: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;

  /** Borrows the lines in `[start, end)` of `bytes` until `retain` or the next `assign`. */
  assign(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  clear(): void {
    this.assign(NOTHING, 0, 0);
  }

  /** Makes the bytes this object's own: called by a frontend before it reuses the buffer they came in. */
  retain(): void {
    if (this.#end === this.#start) return;
    const bytes = this.#bytes.slice(this.#start, this.#end);
    this.assign(bytes, 0, bytes.length);
  }

  /** The first value of that name, compared without case, as Latin-1; `undefined` if the request has none. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    const bytes = this.#bytes;
    for (let line = this.#start; line < this.#end; ) {
      let end = line;
      while (end < this.#end && bytes[end] !== CR) end++;
      const colon = line + wanted.length;
      if (colon < end && bytes[colon] === COLON && latin1(bytes, line, colon).toLowerCase() === wanted) {
        return latin1(bytes, colon + 1, end).trim();
      }
      line = end + 2;
    }
    return undefined;
  }
}
