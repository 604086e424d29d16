/** `chihaya check`: whether the tracker would start with this configuration, as far as can be told without starting. */

import { formatHostPort } from '../pkg/listen-address.ts';
import { listenAddresses } from '../server/listen-addresses.ts';
import { rehearse } from '../server/rehearsal.ts';
import type { TrackerConfig } from '../server/tracker-parts.ts';
import { workerCount } from '../server/worker-count.ts';
import { type ConfigFlags, configPath } from './config-path.ts';
import { problemLogger, tell, tellFailure } from './problems.ts';
import { readConfig } from './read-config.ts';

const PASSED = 0;
const FAILED = 1;

/** Prints what is wrong, or a summary, and returns the exit code. */
export async function runCheck(flags: ConfigFlags): Promise<number> {
  const logger = problemLogger();
  let config: TrackerConfig;
  let problems: string[];
  try {
    config = await readConfig(flags, logger);
    for (const warning of config.warnings) logger.warn(warning);
    problems = await rehearse(config, logger);
  } catch (error) {
    tellFailure(error);
    return FAILED;
  }
  for (const problem of problems) tell('error', problem);
  if (problems.length > 0) return FAILED;
  const workers = await workerCount(config.workers, logger);
  process.stdout.write(summary(config, configPath(flags), workers));
  return PASSED;
}

function summary(config: TrackerConfig, path: string | undefined, workers: number): string {
  const addresses = listenAddresses(config).map(
    ({ key, address: { host, port } }) =>
      `${key} ${host === undefined ? `:${port}` : formatHostPort(host, port)}`,
  );
  const names = (hooks: TrackerConfig['prehooks']) => hooks.map(({ component }) => component.name).join(', ');
  const lines = [
    ['addresses', addresses.join(', ')],
    ['workers', String(workers)],
    ['storage', config.storage.component.name],
    ['prehooks', names(config.prehooks)],
    ['posthooks', names(config.posthooks)],
  ] as const;
  return [
    `ok: ${path ?? 'the built-in default, as there is no configuration file'}`,
    ...lines.map(([what, text]) => `  ${what.padEnd(10)}${text === '' ? 'none' : text}`),
    '',
  ].join('\n');
}
