/** What the benchmarks print: lines, and tables in Markdown that can be put into docs/performance.md as they are. */

import { cpus } from 'node:os';

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The columns after the first are numbers, and are set to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, i) => Math.max(4, cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const pad = (cell: string, i: number) =>
    i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  print('');
  print(line(head));
  print(`| ${rule.join(' | ')} |`);
  for (const row of rows) print(line(row));
  print('');
}

/** `1234567.8` as `1,234,568`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The facts of the machine that figures depend on. */
export function printMachine(): void {
  print(`Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus().length} cores`);
}
