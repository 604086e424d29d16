/** Where the configuration is, and what it says. */

import { existsSync } from 'node:fs';
import { expandPath, load } from '../config/load.ts';
import { parse } from '../config/parse.ts';
import type { Logger } from '../pkg/logger.ts';
import { builtIn } from '../server/built-in.ts';
import { withHookModules } from '../server/hook-modules.ts';
import type { TrackerConfig } from '../server/tracker-parts.ts';
import { builtInConfig } from './built-in-config.ts';

const DEFAULT_PATH = '/etc/chihaya.yaml';

export interface ConfigFlags {
  readonly config?: string;
}

/** Where the configuration file is, or would be. */
export function expectedPath(flags: ConfigFlags): string {
  return expandPath(flags.config ?? DEFAULT_PATH, process.env);
}

/** The path of the configuration file; `undefined` if there is none and the built-in default runs. */
export function configPath(flags: ConfigFlags): string | undefined {
  if (flags.config === undefined && !existsSync(DEFAULT_PATH)) return undefined;
  return expectedPath(flags);
}

/** @throws ConfigError with every mistake in the file */
export async function readConfig(flags: ConfigFlags, logger: Logger): Promise<TrackerConfig> {
  const path = configPath(flags);
  if (path === undefined) {
    logger.info(`${DEFAULT_PATH} does not exist and no --config was given: running the built-in default`);
    return parse(builtInConfig, builtIn);
  }
  logger.info({ path }, 'reading the configuration');
  return load(path, (given, directory) => withHookModules(builtIn, given, directory));
}
