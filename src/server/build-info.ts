/** What runs: the package's version. */

import { readFileSync } from 'node:fs';
import type { MetricRegistry } from '../pkg/metrics.ts';

/** Source and compiled file are equally deep below package.json. */
export function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export function registerBuildInfo(registry: MetricRegistry): void {
  const labels = { version: version(), node: process.versions.node };
  registry.register({
    name: 'chihaya_build_info',
    help: 'What runs: always 1',
    type: 'gauge',
    collect: () => [{ labels, value: 1 }],
  });
}
