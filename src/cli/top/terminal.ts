/** A terminal that is drawn on and given back as it was. Control sequences are those of ECMA-48 and xterm. */

import type { ReadStream, WriteStream } from 'node:tty';
import type { Line, Size, Span } from './frame.ts';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const REST_OF_LINE = '\x1b[K';
const REST_OF_SCREEN = '\x1b[J';
const PLAIN = '\x1b[0m';
const STYLES: Readonly<Record<NonNullable<Span['style']>, string>> = {
  title: '\x1b[1m',
  alarm: '\x1b[1;31m',
  dim: '\x1b[2m',
};

const CTRL_C = '\x03';

export class Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #leave = () => this.#output.write(LEAVE);

  /**
   * @param onQuit called when `q` or Ctrl-C is pressed
   * @param onResize called when the terminal has another size
   */
  constructor(input: ReadStream, output: WriteStream, onQuit: () => void, onResize: () => void) {
    this.#input = input;
    this.#output = output;
    // Whatever ends the process, the terminal is given back.
    process.once('exit', this.#leave);
    output.write(ENTER);
    output.on('resize', onResize);
    if (!input.isTTY) return;
    input.setRawMode(true);
    input.on('data', (keys) => {
      if (/[qQ]/.test(String(keys)) || String(keys).includes(CTRL_C)) onQuit();
    });
  }

  get size(): Size {
    // A terminal that does not know its size says 0.
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  draw(lines: readonly Line[]): void {
    const text = lines.map((line) => line.map(painted).join('') + REST_OF_LINE).join('\r\n');
    this.#output.write(HOME + text + REST_OF_SCREEN);
  }

  close(): void {
    process.off('exit', this.#leave);
    if (this.#input.isTTY) this.#input.setRawMode(false);
    this.#input.pause();
    this.#output.removeAllListeners('resize');
    this.#leave();
  }
}

function painted({ text, style }: Span): string {
  return style ? `${STYLES[style]}${text}${PLAIN}` : text;
}
