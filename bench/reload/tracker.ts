/** The built tracker as a process whose configuration file is changed. */

import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RunningProcess } from '../../test/support/running-process.ts';
import { pinned, SERVER_CORE } from '../load/pinning.ts';

/** From `build-bench/bench/reload`. */
const TRACKER = join(import.meta.dirname, '../../../build/cli/main.js');
const TIMEOUT = 20_000;

/** Connections that clients have closed are gone after this (milliseconds). */
const SETTLED = 2_000;

export class ReloadedTracker {
  readonly #process: RunningProcess;
  readonly #path: string;
  readonly #addresses: readonly string[];
  readonly #descriptors: number;

  static async start(config: object, directory: string): Promise<ReloadedTracker> {
    const path = join(directory, 'chihaya.yaml');
    await write(path, config);
    const [file, ...args] = pinned(SERVER_CORE, process.execPath, [
      TRACKER,
      '--json',
      '--allow-root',
      '--config',
      path,
    ]);
    const child = new RunningProcess({ file, args });
    const [line] = await child.waitFor(/^\{.*"msg":"ready".*\}$/m, TIMEOUT);
    return new ReloadedTracker(child, path, (JSON.parse(line) as { addresses: string[] }).addresses);
  }

  private constructor(child: RunningProcess, path: string, addresses: readonly string[]) {
    this.#process = child;
    this.#path = path;
    this.#addresses = addresses;
    this.#descriptors = this.#open();
  }

  port(protocol: string): number {
    return Number(new URL(this.#addresses.find((each) => each.startsWith(`${protocol}:`)) ?? '').port);
  }

  /** Resolves when the log has another line of `pattern`, to the milliseconds that took. */
  async reload(config: object, pattern: RegExp): Promise<number> {
    await write(this.#path, config);
    const { said } = this.#process;
    const start = performance.now();
    process.kill(this.#process.pid, 'SIGHUP');
    await this.#process.waitFor(pattern, TIMEOUT, said);
    return performance.now() - start;
  }

  /** How many more files and sockets it has open than at its start. */
  async descriptorsLeft(): Promise<number> {
    await setTimeout(SETTLED);
    return this.#open() - this.#descriptors;
  }

  stop(): Promise<void> {
    return this.#process.stop('SIGTERM', TIMEOUT);
  }

  #open(): number {
    return readdirSync(`/proc/${this.#process.pid}/fd`).length;
  }
}

/** JSON is YAML. */
function write(path: string, config: object): Promise<void> {
  return writeFile(path, JSON.stringify({ chihaya: config }));
}
