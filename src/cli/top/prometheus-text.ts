/** Reads the Prometheus text format, version 0.0.4: what a tracker's `/metrics` answers. */

export interface Sample {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  /** Name and labels as they were written: tells one series from another. */
  readonly series: string;
}

/** Samples by the name of their metric, with `_sum`, `_count` and `_bucket` where there is one. */
export type Metrics = ReadonlyMap<string, readonly Sample[]>;

const LINE = /^([a-zA-Z_:][\w:]*)(\{.*\})?[ \t]+(\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Lines that are not understood are passed over: what is not known of a tracker is not shown. */
export function parseMetrics(text: string): Metrics {
  const metrics = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, name = '', labels = '', number = ''] = match;
    const value = numberOf(number);
    if (Number.isNaN(value)) continue;
    const samples = metrics.get(name) ?? [];
    samples.push({ labels: parseLabels(labels), value, series: name + labels });
    metrics.set(name, samples);
  }
  return metrics;
}

function numberOf(text: string): number {
  if (/^\+?Inf$/i.test(text)) return Number.POSITIVE_INFINITY;
  return /^-Inf$/i.test(text) ? Number.NEGATIVE_INFINITY : Number(text);
}

function parseLabels(text: string): Map<string, string> {
  return new Map([...text.matchAll(LABEL)].map(([, name = '', value = '']) => [name, unescaped(value)]));
}

/** Control characters become `?`: whatever answers there, it is not to speak to the terminal. */
function unescaped(value: string): string {
  return value
    .replace(/\\(.)/g, (_, character: string) => (character === 'n' ? ' ' : character))
    .replace(/\p{Cc}/gu, '?');
}
