/** The built program on a terminal of its own, of 80 columns and 24 rows, which `script` makes. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM } from '../chihaya.ts';

const TIMEOUT = 15_000;

export class OnTerminal {
  /** All that was written so far. */
  output = '';
  /** The exit code. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcessWithoutNullStreams;
  /** Where the next wait begins to look. */
  #read = 0;

  constructor(args: readonly string[]) {
    const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ');
    // The process that is told to end by its number, which it says first.
    const command = `stty cols 80 rows 24; echo "pid $$."; exec ${words}`;
    this.#child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      env: { ...process.env, SHELL: '/bin/sh' },
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.ended = once(this.#child, 'close').then(([code]) => code as number);
  }

  /** Resolves when `text` is written after what was waited for before. */
  async waitFor(text: string): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT);
    for (;;) {
      const at = this.output.indexOf(text, this.#read);
      if (at >= 0) {
        this.#read = at + text.length;
        return;
      }
      if (signal.aborted) throw new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(this.output)}`);
      await once(this.#child.stdout, 'data', { signal }).catch(() => {});
    }
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** SIGTERM to the program itself. */
  terminate(): void {
    const [, pid] = /pid (\d+)\./.exec(this.output) ?? [];
    process.kill(Number(pid), 'SIGTERM');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
