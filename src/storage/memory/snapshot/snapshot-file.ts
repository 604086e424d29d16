/**
 * The place of a snapshot in the file system. What stands at the path is always whole: a new snapshot is written
 * beside it, brought to the disk, and then takes its place in one step. So it is whatever moment the process or the
 * machine stops at.
 *
 *   PATH                                 the last whole snapshot
 *   PATH.tmp-1a2b3c4d                    one that is being written, or was when a process was killed
 *   PATH.refused-20261126T101500.123Z    a file that was not used, kept
 */

import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A snapshot says who downloads what: it is for the tracker's user alone. */
const MODE = 0o600;

const REASONS = new Map([
  ['ENOENT', 'there is no such directory: create it, owned by the user that the tracker runs as'],
  ['ENOTDIR', 'that is no directory: name a file in one'],
  ['EACCES', 'the user that the tracker runs as may not write there: give it the directory'],
  ['EPERM', 'the user that the tracker runs as may not write there: give it the directory'],
  ['EROFS', 'that file system can only be read: name a file in another'],
  ['ENOSPC', 'there is no space left: make some'],
]);

export class SnapshotFile {
  readonly path: string;
  readonly #directory: string;

  constructor(path: string) {
    this.path = path;
    this.#directory = dirname(path);
  }

  /**
   * Makes sure that snapshots can be written, and removes what is left of any that were not finished. Returns how
   * many those were.
   *
   * @throws Error that says how to mend it
   */
  async prepare(): Promise<number> {
    try {
      const probe = this.#temporary();
      await (await open(probe, 'wx', MODE)).close();
      await unlink(probe);
      const leftovers = (await readdir(this.#directory)).filter((name) => this.#isTemporary(name));
      for (const name of leftovers) await unlink(join(this.#directory, name));
      return leftovers.length;
    } catch (error) {
      throw new Error(
        `snapshot_path: cannot write to the directory ${this.#directory}: ${reasonOf(error)}, or leave snapshot_path out`,
        { cause: error },
      );
    }
  }

  /**
   * Opens the snapshot; `undefined` if there is none.
   *
   * @throws Error if what is there cannot be read, or is no file
   */
  async openToRead(): Promise<FileHandle | undefined> {
    try {
      if (!(await stat(this.path)).isFile()) throw new Error('expected a file, found something else');
      return await open(this.path, 'r');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      throw new Error(`snapshot_path: cannot read ${this.path}: ${message}`, { cause: error });
    }
  }

  /**
   * Has `write` fill a file, which then is the snapshot, and returns what it returns. If that is `undefined`, or it
   * throws, all is as it was.
   */
  async replace<T>(write: (file: FileHandle) => Promise<T | undefined>): Promise<T | undefined> {
    const temporary = this.#temporary();
    try {
      const written = await fill(temporary, write);
      if (written !== undefined) {
        await rename(temporary, this.path).catch((error) => tellLoss(temporary, error));
        await this.#syncDirectory();
      }
      return written;
    } finally {
      // After a rename there is nothing of that name.
      await unlink(temporary).catch(() => {});
    }
  }

  /** Puts a file that is of no use out of the way, and returns where it is. */
  async setAside(): Promise<string> {
    const time = new Date().toISOString().replace(/[-:]/g, '');
    const path = `${this.path}.refused-${time}`;
    await rename(this.path, path);
    return path;
  }

  #temporary(): string {
    return `${this.path}.tmp-${randomBytes(4).toString('hex')}`;
  }

  #isTemporary(name: string): boolean {
    const prefix = `${basename(this.path)}.tmp-`;
    return name.startsWith(prefix) && /^[0-9a-f]{8}$/.test(name.slice(prefix.length));
  }

  /** Without this the new name may not outlast a power failure. Windows has no such thing. */
  async #syncDirectory(): Promise<void> {
    if (process.platform === 'win32') return;
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** Resolves when what was written is on the disk. */
async function fill<T>(path: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'wx', MODE);
  try {
    const written = await write(file);
    if (written !== undefined) await file.sync();
    return written;
  } finally {
    await file.close();
  }
}

function tellLoss(path: string, error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOENT') throw error;
  throw new Error(`${path} was removed: has another tracker the same snapshot_path?`, { cause: error });
}

/** What an operator is told of a failed system call: the reason, and how to mend it if that is known. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS.has(code) ? `${REASONS.get(code)} (${code})` : message;
}
