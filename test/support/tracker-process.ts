/** The tracker as operators run it: the built program, a configuration file, a process. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RunningProcess } from './running-process.ts';

/** From the root, where npm and vitest run: compiled with the benchmarks this file lies elsewhere. */
const PROGRAM = resolve('build/cli/chihaya.cjs');
const START_TIMEOUT = 20_000;

const OF_A_RELOAD = /^\{.*"msg":"(?:reloaded"|the configuration was not reloaded).*\}$/m;

export interface ReloadLine {
  readonly msg: string;
  readonly addresses: readonly string[];
}

export class TrackerProcess {
  readonly process: RunningProcess;
  /** Base URLs in the order bound, as in `udp://127.0.0.1:40123`. */
  readonly addresses: readonly string[];
  /** Of the metrics server, if there is one. */
  readonly metrics: string | undefined;
  /** Of the configuration file. */
  readonly path: string;
  readonly #directory: string | undefined;

  private constructor(
    child: RunningProcess,
    ready: { addresses: string[]; metrics?: string },
    directory: string | undefined,
    path: string,
  ) {
    this.process = child;
    this.addresses = ready.addresses;
    this.metrics = ready.metrics;
    this.path = path;
    this.#directory = directory;
  }

  /**
   * Resolves when the tracker says that it is ready.
   *
   * @param config what stands under `chihaya`
   * @param env added to this process's environment
   * @param flags of the command line
   */
  static async start(
    config: object,
    namespace?: string,
    env: Readonly<Record<string, string>> = {},
    flags: readonly string[] = [],
  ): Promise<TrackerProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'chihaya-tracker-'));
    const path = join(directory, 'chihaya.yaml');
    // JSON is YAML.
    await writeFile(path, JSON.stringify({ chihaya: config }));
    try {
      return await TrackerProcess.run(path, namespace, env, directory, flags);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * As `start`, with a configuration file that there is.
   *
   * @param directory removed when the tracker has been stopped
   */
  static async run(
    path: string,
    namespace?: string,
    env: Readonly<Record<string, string>> = {},
    directory?: string,
    flags: readonly string[] = [],
  ): Promise<TrackerProcess> {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} does not exist: run "npm run build" first`);
    const args = [PROGRAM, '--allow-root', '--json', '--config', path, ...flags];
    const child = new RunningProcess({ file: process.execPath, args, namespace, env });
    try {
      const [line] = await child.waitFor(/^\{.*"msg":"ready".*\}$/m, START_TIMEOUT);
      return new TrackerProcess(child, JSON.parse(line), directory, path);
    } catch (error) {
      await child.stop('SIGKILL');
      throw error;
    }
  }

  /** Writes another configuration, which is not in force yet. @param config as at the start, or the text of the file */
  async configure(config: object | string): Promise<void> {
    const text = typeof config === 'string' ? config : JSON.stringify({ chihaya: config });
    await writeFile(this.path, text);
  }

  /**
   * Has it reload, with another configuration if one is given, and resolves to the last line that it logs of that, when it
   * has: `reloaded`, or that it has not.
   */
  async reload(config?: object | string, signal: NodeJS.Signals = 'SIGHUP'): Promise<ReloadLine> {
    if (config !== undefined) await this.configure(config);
    const { said } = this.process;
    process.kill(this.process.pid, signal);
    const [line] = await this.process.waitFor(OF_A_RELOAD, START_TIMEOUT, said);
    return JSON.parse(line) as ReloadLine;
  }

  /** The last lines of all reloads. */
  reloads(): ReloadLine[] {
    return this.process.output
      .split('\n')
      .filter((line) => OF_A_RELOAD.test(line))
      .map((line) => JSON.parse(line) as ReloadLine);
  }

  /** The base URL of a protocol: `http`, `https` or `udp`. */
  address(protocol: string): URL {
    const found = this.addresses.find((address) => address.startsWith(`${protocol}:`));
    if (!found) throw new Error(`no ${protocol} in ${this.addresses.join(', ')}`);
    return new URL(found);
  }

  /** Bytes of memory that the process occupies. */
  get residentBytes(): number {
    return Number(this.#status('VmRSS')) * 1024;
  }

  /** Files and sockets that the process has open. */
  get openDescriptors(): number {
    return readdirSync(`/proc/${this.process.pid}/fd`).length;
  }

  /** Whether the process still runs. */
  get alive(): boolean {
    return !this.process.ended;
  }

  /** The warnings and errors that it logged. */
  problems(): Record<string, unknown>[] {
    return this.process.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ level }) => level === 'warn' || level === 'error');
  }

  /** For good, and soon: what it has still to do may be cut off. A test of how it ends stops `process`. */
  async stop(): Promise<void> {
    await this.process.stop('SIGTERM', 2_000);
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  #status(field: string): string {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? '';
  }
}
