/** `chihaya top`: looks at a tracker's metrics again and again and shows what has changed. */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../pkg/duration.ts';
import { tell, tellUsage } from '../problems.ts';
import { fetchMetrics } from './fetch-metrics.ts';
import { frame } from './frame.ts';
import { Terminal } from './terminal.ts';
import { Watch } from './watch.ts';

const LEFT = 0;
const FAILED = 1;

/** Milliseconds. */
const SHORTEST = 100;
const LONGEST = 3_600_000;

/** Of a frame that nobody's terminal bounds. */
const ONCE = { columns: 100, rows: 1_000 };

export interface TopFlags {
  readonly metrics: string;
  readonly interval: string;
  readonly once?: boolean;
}

/** Returns the exit code. */
export async function runTop({ metrics: url, interval: text, once }: TopFlags): Promise<number> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    return tellUsage(`--metrics: expected an address with http:// or https://, found "${url}"`);
  }
  const interval = parseDuration(text);
  if (interval === undefined || interval < SHORTEST || interval > LONGEST) {
    return tellUsage(`--interval: expected a duration from 100ms to 1h, found "${text}"`);
  }
  if (once) return printOnce(url, interval);
  if (!process.stdout.isTTY)
    return tellUsage('expected a terminal, found none; --once prints one frame anywhere');
  await show(url, interval);
  return LEFT;
}

async function printOnce(url: string, interval: number): Promise<number> {
  const watch = new Watch();
  const { signal } = new AbortController();
  for (const wait of [0, interval]) {
    await sleep(wait);
    await look(watch, url, signal);
    if (watch.away) {
      tell('error', `${url}: ${watch.away.reason}`);
      return FAILED;
    }
  }
  const lines = frame(watch, url, ONCE, seconds(), Date.now() / 1_000);
  const texts = lines.map((line) => line.map(({ text }) => text).join(''));
  process.stdout.write(texts.map((text) => `${text.trimEnd()}\n`).join(''));
  return LEFT;
}

async function show(url: string, interval: number): Promise<void> {
  const watch = new Watch();
  const quit = new AbortController();
  const stop = () => quit.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
  const draw = () => terminal.draw(frame(watch, url, terminal.size, seconds(), Date.now() / 1_000));
  const terminal = new Terminal(process.stdin, process.stdout, stop, draw);
  try {
    while (!quit.signal.aborted) {
      const started = performance.now();
      await look(watch, url, quit.signal);
      draw();
      const rest = Math.max(0, interval - (performance.now() - started));
      await sleep(rest, undefined, { signal: quit.signal }).catch(() => {});
    }
  } finally {
    terminal.close();
  }
}

async function look(watch: Watch, url: string, stopped: AbortSignal): Promise<void> {
  try {
    const metrics = await fetchMetrics(url, stopped);
    watch.answered(metrics, seconds(), Date.now() / 1_000);
  } catch (error) {
    watch.failed((error as Error).message, seconds());
  }
}

function seconds(): number {
  return performance.now() / 1_000;
}
