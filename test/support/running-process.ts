/**
 * A child process that a test waits for by what it says, never by the clock. It is killed with the
 * test run whatever happens to the test.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Files and sockets that it has open as 3, 4 and so on. */
  readonly descriptors?: readonly number[];
  /** A network namespace to run in. */
  readonly namespace?: string | undefined;
}

/** What a process may have said before its start is thrown away. */
const KEPT_OUTPUT = 1_000_000;

/**
 * Has the kernel kill the process with this one, which may itself be killed and then cannot. Like `ip netns exec`
 * it replaces itself by the command: signals reach the right process.
 */
const WITH_US =
  spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
    ? ['setpriv', '--pdeathsig', 'KILL']
    : [];

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class RunningProcess {
  /** Standard output and error, as they came. */
  output = '';
  /** How many characters that has been, ever. */
  said = 0;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #listeners = new Set<() => void>();
  #ended = false;

  constructor({ file, args, env, cwd, descriptors = [], namespace }: Command) {
    const inside = namespace ? ['ip', 'netns', 'exec', namespace] : [];
    const [program, ...rest] = [...WITH_US, ...inside, file, ...args];
    this.#name = `${file} ${args.join(' ')}`;
    this.#child = spawn(program as string, rest, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
    });
    running.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-KEPT_OUTPUT);
        this.said += text.length;
        this.#notify();
      });
    }
    this.#child.once('error', (error) => {
      this.output += String(error);
      this.#end();
    });
    this.#child.once('close', () => this.#end());
  }

  /** Of the process itself, once it has been started. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} did not start: ${this.output}`);
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** `null` while it runs, and if a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Nothing happens if it has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Resolves with the match as soon as the output has one; rejects at the process's end or after `timeout` ms.
   *
   * @param after what was said before this many characters does not count: `said` at some moment
   */
  waitFor(pattern: RegExp, timeout: number, after = 0): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        settle();
      };
      const fail = (why: string) =>
        finish(() => reject(new Error(`${this.#name}\n${why} before ${pattern}; it said:\n${this.output}`)));
      const check = (): void => {
        const from = Math.max(0, after - (this.said - this.output.length));
        const match = this.output.slice(from).match(pattern);
        if (match) finish(() => resolve(match));
        else if (this.#ended) fail('ended');
      };
      const timer = setTimeout(() => fail(`went on for ${timeout} ms`), timeout);
      this.#listeners.add(check);
      check();
    });
  }

  /** Asks the process to end, insists after `patience` ms, and resolves when it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patience = 20_000): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#child, 'close');
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patience);
    await closed;
    clearTimeout(timer);
  }

  #end(): void {
    this.#ended = true;
    running.delete(this.#child);
    this.#notify();
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
