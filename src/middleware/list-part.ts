/**
 * What a hook's list is made of: what stands in the configuration, a file, a directory. Each part is kept up to date
 * by itself, and one that cannot be read stays what it was.
 */

import { FileWatch } from '../pkg/file-watch.ts';
import { EntryError, type EntryTaker, readListFile } from '../pkg/list-file.ts';

export interface ListPart<Value> {
  /** Where it stands. */
  readonly name: string;
  readonly contents: ListContents<Value>;
  /** Reads it for the first time; rejects if that is not possible. */
  load(): Promise<void>;
  /** Takes a change. */
  look(): Promise<Look>;
  /** Has the next `look` read it in any case. */
  forget(): void;
}

/** What a look has found. */
export interface Look {
  /** Whether a change was taken. */
  readonly read: boolean;
  /** What has changed and could not be read: a line each, with file and reason. */
  readonly faults: readonly string[];
}

export const NOTHING: Look = { read: false, faults: [] };

/** What the entries of a list are kept in. */
export interface ListContents<Value> extends EntryTaker {
  /** What the hooks of all threads are given of it: another one when they have to be told of a change. */
  readonly value: Value;
  /** How many entries it has. */
  readonly size: number;
  /** Has what was taken since `begin` count in place of what was there. */
  finish(): Promise<void>;
}

/**
 * A list of the configuration, a file of more, or both.
 *
 * @param entries have been checked
 * @param contents makes what those of a part are kept in
 */
export function listParts<Value>(
  entries: readonly string[],
  path: string | undefined,
  contents: () => ListContents<Value>,
): ListPart<Value>[] {
  return [
    ...(entries.length > 0 ? [new InlineList(entries, contents())] : []),
    ...(path === undefined ? [] : [new FileList(path, contents())]),
  ];
}

/** The entries of the configuration. */
class InlineList<Value> implements ListPart<Value> {
  readonly name = 'configuration';
  readonly contents: ListContents<Value>;
  readonly #entries: readonly string[];

  constructor(entries: readonly string[], contents: ListContents<Value>) {
    this.contents = contents;
    this.#entries = entries;
  }

  async load(): Promise<void> {
    this.contents.begin(this.#entries.length);
    for (const entry of this.#entries) {
      const bytes = Buffer.from(entry);
      this.contents.take(bytes, 0, bytes.length);
    }
    await this.contents.finish();
  }

  async look(): Promise<Look> {
    return NOTHING;
  }

  forget(): void {}
}

/** How often, and with what pause in milliseconds, a file that changes while it is read is read again at the start. */
const ATTEMPTS = 50;
const PAUSE = 100;

/** The entries of a file. */
class FileList<Value> implements ListPart<Value> {
  readonly name: string;
  readonly contents: ListContents<Value>;
  readonly #watch: FileWatch;
  /** Why it could not be read last; it is told once. */
  #fault: string | undefined;

  constructor(path: string, contents: ListContents<Value>) {
    this.name = path;
    this.contents = contents;
    this.#watch = new FileWatch(path);
  }

  async load(): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      await this.#watch.takeNow();
      if (await readListFile(this.name, this.contents)) return this.contents.finish();
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    throw new Error(`${this.name}: cannot be read: it changes all the time`);
  }

  async look(): Promise<Look> {
    if (!(await this.#watch.take())) return NOTHING;
    try {
      if (await readListFile(this.name, this.contents)) {
        await this.contents.finish();
        this.#fault = undefined;
        return { read: true, faults: [] };
      }
      this.#watch.forget();
      return NOTHING;
    } catch (error) {
      return this.#failed(error as Error);
    }
  }

  forget(): void {
    this.#watch.forget();
  }

  #failed(error: Error): Look {
    const told = this.#fault;
    this.#fault = error.message;
    if (error instanceof EntryError) return { read: false, faults: [error.message] };
    // It may be readable the next time though nothing of it changes: the process may have too many files open.
    this.#watch.forget();
    return told === error.message ? NOTHING : { read: false, faults: [error.message] };
  }
}
