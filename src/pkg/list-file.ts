/**
 * Reads the lists that operators keep in files: one entry a line. What follows a `#` is a comment, empty lines and
 * space around an entry do not count, lines may end as on Windows, and a byte order mark may come first.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { fingerprintOf } from './file-watch.ts';
import { expected } from './options.ts';

/** Who takes the entries of a file. */
export interface EntryTaker {
  /** Called before the first entry with the most that there can be. */
  begin(most: number): void;
  /** Takes the entry `text[start, end)`. Returns what was expected, if it is not that. */
  take(text: Uint8Array, start: number, end: number): string | undefined;
  /** Bytes of the shortest entry. */
  readonly shortest: number;
  /** Whether entries must not be shown. */
  readonly secret?: boolean;
  /** Whether a shorter entry may be a longer one that was cut off: the last line then needs its end. */
  readonly cuttable?: boolean;
}

/** Read between two turns of the event loop; a line must be shorter. */
const CHUNK = 128 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const HASH = 0x23;
const SPACE = 0x20;
const TAB = 0x09;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/**
 * Hands the entries of a file to `taker`.
 *
 * @returns false if the file changed meanwhile: what was taken is worth nothing
 * @throws Error with the file and the line of the first entry that is none, or if the file cannot be read
 */
export async function readListFile(path: string, taker: EntryTaker): Promise<boolean> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const before = await file.stat({ bigint: true });
    if (!before.isFile())
      throw new Error(`expected a file, found ${before.isDirectory() ? 'a directory' : 'none'}`);
    taker.begin(Math.ceil((Number(before.size) + 1) / (taker.shortest + 1)));
    const length = await readLines(file, new LineReader(path, taker));
    const after = await file.stat({ bigint: true });
    return fingerprintOf(before) === fingerprintOf(after) && length === Number(before.size);
  } catch (error) {
    if (error instanceof EntryError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`${path}: cannot be read: ${code ?? message}`, { cause: error });
  } finally {
    await file?.close();
  }
}

/** Returns how many bytes the file had. */
async function readLines(file: FileHandle, lines: LineReader): Promise<number> {
  const chunk = Buffer.allocUnsafe(CHUNK);
  let length = 0;
  /** Bytes of a line that was not whole yet, at the front of the chunk. */
  let kept = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, kept, CHUNK - kept, length);
    const end = kept + bytesRead;
    let start = length === 0 && chunk.subarray(0, Math.min(3, end)).equals(BYTE_ORDER_MARK) ? 3 : 0;
    length += bytesRead;
    for (
      let at = chunk.indexOf(LINE_FEED, start);
      at >= 0 && at < end;
      at = chunk.indexOf(LINE_FEED, start)
    ) {
      lines.read(chunk, start, at);
      start = at + 1;
    }
    if (bytesRead === 0) {
      lines.readLast(chunk, start, end);
      return length;
    }
    kept = end - start;
    if (kept === CHUNK) lines.refuse(`a line of less than ${CHUNK} bytes`, 'a longer one');
    chunk.copyWithin(0, start, end);
  }
}

/** A line that is no entry. */
export class EntryError extends Error {}

class LineReader {
  readonly #path: string;
  readonly #taker: EntryTaker;
  #line = 1;

  constructor(path: string, taker: EntryTaker) {
    this.#path = path;
    this.#taker = taker;
  }

  /** The line `text[start, end)`, without its line feed. */
  read(text: Buffer, start: number, end: number): void {
    let from = start;
    let to = start;
    while (to < end && text[to] !== HASH) to++;
    if (to === end && to > from && text[to - 1] === CARRIAGE_RETURN) to--;
    while (to > from && isSpace(text[to - 1] as number)) to--;
    while (from < to && isSpace(text[from] as number)) from++;
    if (from < to) {
      const what = this.#taker.take(text, from, to);
      if (what !== undefined) this.refuse(what, text.subarray(from, to).toString());
    }
    this.#line++;
  }

  /** What follows the last line feed. */
  readLast(text: Buffer, start: number, end: number): void {
    if (this.#taker.cuttable && end > start && text[start] !== HASH) {
      throw new EntryError(
        `${this.#path}:${this.#line}: expected a line end after the last entry, which may have been cut off`,
      );
    }
    this.read(text, start, end);
  }

  refuse(what: string, found: string): never {
    const shown = this.#taker.secret
      ? `expected ${what}, found another value (not shown: it is secret)`
      : expected(what, found);
    throw new EntryError(`${this.#path}:${this.#line}: ${shown}`);
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
