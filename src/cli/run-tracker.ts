/** Runs the tracker until it is told to stop. */

import { existsSync } from 'node:fs';
import { expandPath, load } from '../config/load.ts';
import { parse } from '../config/parse.ts';
import { ConfigError } from '../config/problem.ts';
import { systemClock } from '../pkg/clock.ts';
import type { Logger } from '../pkg/logger.ts';
import { formatHostPort } from '../pkg/options.ts';
import { createPinoLogger } from '../pkg/pino-logger.ts';
import { builtIn } from '../server/built-in.ts';
import { withHookModules } from '../server/hook-modules.ts';
import { Tracker } from '../server/tracker.ts';
import type { TrackerConfig } from '../server/tracker-parts.ts';
import { builtInConfig } from './built-in-config.ts';
import { handleSignals } from './signals.ts';

const DEFAULT_PATH = '/etc/chihaya.yaml';
const FAILURE = 1;

export interface RunFlags {
  readonly config?: string;
  readonly debug?: boolean;
  readonly json?: boolean;
  readonly nocolors?: boolean;
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

  let tracker: Tracker | undefined;
  const signals = handleSignals(logger, () => void tracker?.refresh());
  try {
    tracker = await Tracker.start(await readConfig(flags.config, logger), { logger, clock: systemClock });
  } catch (error) {
    tellFailure(error, logger);
    process.exit(FAILURE);
  }
  tellReady(tracker, logger);

  const signal = await signals;
  logger.info({ signal }, 'stopping');
  await tracker.stop();
  logger.info('stopped');
  process.exit(0);
}

async function readConfig(flag: string | undefined, logger: Logger): Promise<TrackerConfig> {
  if (flag === undefined && !existsSync(DEFAULT_PATH)) {
    logger.info(`${DEFAULT_PATH} does not exist and no --config was given: running the built-in default`);
    return parse(builtInConfig, builtIn);
  }
  const path = expandPath(flag ?? DEFAULT_PATH, process.env);
  logger.info({ path }, 'reading the configuration');
  return load(path, (given, directory) => withHookModules(builtIn, given, directory));
}

function tellFailure(error: unknown, logger: Logger): void {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) logger.error(problem);
    const count = error.problems.length;
    logger.error(`the tracker did not start: ${count} mistake${count === 1 ? '' : 's'} in the configuration`);
  } else {
    logger.error(`the tracker did not start: ${(error as Error).message}`);
    logger.debug({ err: error }, 'where it failed');
  }
}

function tellReady(tracker: Tracker, logger: Logger): void {
  const url = (scheme: string, host: string, port: number) => `${scheme}://${formatHostPort(host, port)}`;
  const addresses = tracker.addresses.map(({ protocol, host, port }) => url(protocol, host, port));
  const { metricsAddress } = tracker;
  const metrics = metricsAddress && `${url('http', metricsAddress.host, metricsAddress.port)}/metrics`;
  logger.info({ addresses, ...(metrics ? { metrics } : {}) }, 'ready');
}
