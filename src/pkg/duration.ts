/** Durations as Go writes them: `30m`, `1h15m`, `1.5s`, `500ms`. Milliseconds inside. */

const UNITS = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** Milliseconds, or `undefined` for what is not a duration. `0` needs no unit; a sign may stand in front. */
export function parseDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!match) return undefined;
  let sum = 0;
  for (const [, amount, unit] of (match[2] as string).matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    sum += Number(amount) * (UNITS.get(unit as string) as number);
  }
  return match[1] === '-' ? -sum : sum;
}

/** Nanoseconds of each unit that is written, largest first. */
const WRITTEN = [
  ['h', 3_600_000_000_000n],
  ['m', 60_000_000_000n],
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1_000n],
  ['ns', 1n],
] as const;

/** The shortest of the usual forms: 1_800_000 gives `30m`, 500 gives `500ms`. Exact to a nanosecond. */
export function formatDuration(milliseconds: number): string {
  let rest = BigInt(Math.round(Math.abs(milliseconds) * 1e6));
  if (rest === 0n) return '0s';
  let text = '';
  for (const [unit, size] of WRITTEN) {
    if (rest >= size) text += `${rest / size}${unit}`;
    rest %= size;
  }
  return milliseconds < 0 ? `-${text}` : text;
}
