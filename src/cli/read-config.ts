/** What the configuration says. */

import { load } from '../config/load.ts';
import { parse } from '../config/parse.ts';
import type { Logger } from '../pkg/logger.ts';
import { builtIn } from '../server/built-in.ts';
import { withHookModules } from '../server/hook-modules.ts';
import type { TrackerConfig } from '../server/tracker-parts.ts';
import { builtInConfig } from './built-in-config.ts';
import { type ConfigFlags, configPath, DEFAULT_PATH } from './config-path.ts';

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
