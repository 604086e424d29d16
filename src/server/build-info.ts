/** What runs: the package's version. */

import { existsSync, readFileSync } from 'node:fs';
import type { MetricRegistry } from '../pkg/metrics.ts';

/** The nearest package.json is ours: source, build and benchmarks lie at different depths below it. */
export function version(): string {
  let file = new URL('package.json', import.meta.url);
  while (!existsSync(file)) file = new URL('../package.json', file);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
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
