/** Runs the tracker until it is told to stop. */

import { existsSync } from 'node:fs';
import { expandPath, load } from '../config/load.ts';
import { parse } from '../config/parse.ts';
import { systemClock } from '../pkg/clock.ts';
import type { Logger } from '../pkg/logger.ts';
import { createPinoLogger } from '../pkg/pino-logger.ts';
import { builtIn } from '../server/built-in.ts';
import { withHookModules } from '../server/hook-modules.ts';
import { tellFailure, tellServed } from '../server/tell.ts';
import { Tracker } from '../server/tracker.ts';
import type { TrackerConfig } from '../server/tracker-parts.ts';
import { builtInConfig } from './built-in-config.ts';
import { handleSignals } from './signals.ts';
import { watchFile } from './watch-file.ts';

const DEFAULT_PATH = '/etc/chihaya.yaml';
const FAILURE = 1;

export interface RunFlags {
  readonly config?: string;
  readonly debug?: boolean;
  readonly json?: boolean;
  readonly nocolors?: boolean;
  readonly watch?: boolean;
}

export async function runTracker(flags: RunFlags): Promise<void> {
  const colour = process.stderr.isTTY && !flags.nocolors;
  const logger = await createPinoLogger(
    flags.json ? 'json' : colour ? 'colour' : 'text',
    flags.debug ?? false,
  );
  process.on('uncaughtException', (error) => {
    logger.error({ err: error }, 'the tracker failed: this is a bug');
    process.exit(FAILURE);
  });

  const path = expandPath(flags.config ?? DEFAULT_PATH, process.env);
  const read = () => readConfig(path, flags.config !== undefined, logger);
  let tracker: Tracker | undefined;
  let askedEarly = false;
  const reload = () => {
    askedEarly ||= tracker === undefined;
    // The tracker has logged what it fails with.
    tracker?.reload(read).catch(() => {});
  };
  const signals = handleSignals(logger, reload);
  if (flags.watch) {
    watchFile(path, () => {
      logger.info({ path }, 'the configuration file has changed: reloading');
      reload();
    });
  }
  try {
    tracker = await Tracker.start(await read(), { logger, clock: systemClock });
  } catch (error) {
    tellFailure(error, 'the tracker did not start', logger);
    process.exit(FAILURE);
  }
  tellServed(tracker, 'ready', logger);
  // What was read at the start may have been another file.
  if (askedEarly) reload();

  const signal = await signals;
  logger.info({ signal }, 'stopping');
  await tracker.stop();
  logger.info('stopped');
  process.exit(0);
}

/** @param given whether the path was; the default file may be missing */
async function readConfig(path: string, given: boolean, logger: Logger): Promise<TrackerConfig> {
  if (!given && !existsSync(path)) {
    logger.info(`${path} does not exist and no --config was given: running the built-in default`);
    return parse(builtInConfig, builtIn);
  }
  logger.info({ path }, 'reading the configuration');
  return load(path, (given, directory) => withHookModules(builtIn, given, directory));
}
