/**
 * A directory of `.torrent` files as a list: files come, change and go one by one, and each counts for itself. One
 * that cannot be read leaves what it was before in force; if the directory cannot be read, all of it stays.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { infohashesOf } from '../../bittorrent/torrent-file.ts';
import { FileWatch } from '../../pkg/file-watch.ts';
import type { FingerprintList } from '../fingerprint-list.ts';
import { type ListPart, type Look, NOTHING } from '../list-part.ts';
import { infohashList } from './infohash-list.ts';

/** A directory takes its time to look through: at most a twentieth of all time is spent with it. */
const SHARE = 20;

interface TorrentFile {
  readonly watch: FileWatch;
  /** In hexadecimal digits, as text; none as long as it has not been read. */
  infohashes: readonly Uint8Array[];
  /** Why it could not be read last; it is told once. */
  fault: string | undefined;
}

export class TorrentDirectory implements ListPart<SharedArrayBuffer> {
  readonly name: string;
  readonly contents: FingerprintList;
  readonly #watch: FileWatch;
  readonly #files = new Map<string, TorrentFile>();
  #fault: string | undefined;
  /** When the files are looked at again though the directory itself has not changed. */
  #next = 0;

  /** @param key of the fingerprints that infohashes are kept as */
  constructor(path: string, key: Int32Array) {
    this.name = path;
    this.contents = infohashList(key);
    this.#watch = new FileWatch(path);
  }

  async load(): Promise<void> {
    await this.#watch.takeNow();
    const { faults } = await this.#read(await this.#names(), (watch) => watch.takeNow().then(() => true));
    if (faults[0] !== undefined) throw new Error(faults[0]);
  }

  async look(): Promise<Look> {
    if (!(await this.#watch.take()) && performance.now() < this.#next) return NOTHING;
    const start = performance.now();
    try {
      const look = await this.#read(await this.#names(), (watch) => watch.take());
      this.#fault = undefined;
      return look;
    } catch (error) {
      const { message } = error as Error;
      const told = this.#fault === message;
      this.#fault = message;
      return told ? NOTHING : { read: false, faults: [message] };
    } finally {
      const end = performance.now();
      const restless = [...this.#files.values()].some(
        ({ watch, fault }) => !watch.taken && fault === undefined,
      );
      this.#next = restless ? end : end + SHARE * (end - start);
    }
  }

  forget(): void {
    this.#watch.forget();
    for (const { watch } of this.#files.values()) watch.forget();
  }

  async #names(): Promise<string[]> {
    try {
      const names = await readdir(this.name);
      return names.filter((name) => name.endsWith('.torrent') && !name.startsWith('.'));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(`${this.name}: cannot be read: ${code ?? message}`, { cause: error });
    }
  }

  /** @param isNew whether a file is to be read */
  async #read(names: readonly string[], isNew: (watch: FileWatch) => Promise<boolean>): Promise<Look> {
    const faults: string[] = [];
    let changed = this.#drop(new Set(names));
    for (const name of names) {
      const path = join(this.name, name);
      const file = this.#files.get(name) ?? { watch: new FileWatch(path), infohashes: [], fault: undefined };
      this.#files.set(name, file);
      if (!(await isNew(file.watch))) continue;
      try {
        file.infohashes = infohashesOf(await readFile(path)).map(toHex);
        file.fault = undefined;
        changed = true;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const fault = code === undefined ? `${path}: ${message}` : `${path}: cannot be read: ${code}`;
        if (fault !== file.fault) faults.push(fault);
        file.fault = fault;
        // It may be readable the next time though nothing of it changes: the process may have too many files open.
        if (code !== undefined) file.watch.forget();
      }
    }
    if (changed) await this.#fill();
    return { read: changed, faults };
  }

  /** Forgets the files that are gone. Returns whether they had anything to say. */
  #drop(present: ReadonlySet<string>): boolean {
    let changed = false;
    for (const [name, { infohashes }] of this.#files) {
      if (present.has(name)) continue;
      this.#files.delete(name);
      changed ||= infohashes.length > 0;
    }
    return changed;
  }

  async #fill(): Promise<void> {
    const infohashes = [...this.#files.values()].flatMap((file) => file.infohashes);
    this.contents.begin(infohashes.length);
    for (const infohash of infohashes) this.contents.take(infohash, 0, infohash.length);
    await this.contents.finish();
  }
}

function toHex(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes).toString('hex'));
}
