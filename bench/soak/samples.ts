/** What a tracker takes of its machine, looked at again and again: from the system and from its metrics. */

import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';

export interface Sample {
  /** Bytes. */
  readonly resident: number;
  readonly heap: number;
  readonly reserved: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Seconds, of the slowest worker. */
  readonly delay: number;
}

/** @param metrics the URL of its metrics */
export async function takeSample(pid: number, metrics: string): Promise<Sample> {
  const text = (await page(metrics)).toString();
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1]);
  return {
    resident: 1024 * field('VmRSS'),
    heap: total(text, 'nodejs_heap_size_used_bytes'),
    reserved: total(text, 'chihaya_storage_reserved_bytes'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
    delay: Math.max(...values(text, 'chihaya_event_loop_delay_seconds', 'percentile="99"')),
  };
}

/** Fetches a page on a connection of its own. */
export function page(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(pieces));
        else reject(new Error(`${url}: status ${response.statusCode}`));
      });
    }).on('error', reject);
  });
}

/** The sum of a metric's samples, of those whose labels include `label`. */
export function total(text: string, name: string, label = ''): number {
  return values(text, name, label).reduce((sum, value) => sum + value, 0);
}

function values(text: string, name: string, label: string): number[] {
  return text
    .split('\n')
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}
