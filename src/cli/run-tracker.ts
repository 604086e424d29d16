/** Runs the tracker until it is told to stop. */

import { systemClock } from '../pkg/clock.ts';
import { createPinoLogger } from '../pkg/pino-logger.ts';
import type { LoadingWorker } from '../server/loading-worker.ts';
import { tellFailure, tellServed, urlOf } from '../server/tell.ts';
import { type ReadConfig, Tracker } from '../server/tracker.ts';
import { expectedPath } from './config-path.ts';
import { readConfig } from './read-config.ts';
import { ServiceManager } from './service-manager.ts';
import { type ProcessFlags, settleProcess } from './settle-process.ts';
import { handleSignals } from './signals.ts';
import { watchFile } from './watch-file.ts';

const FAILURE = 1;

interface RunFlags extends ProcessFlags {
  readonly debug?: boolean;
  readonly json?: boolean;
  readonly nocolors?: boolean;
  readonly watch?: boolean;
}

/** @param firstWorker of several; ended if there is to be one thread only */
export async function runTracker(flags: RunFlags, firstWorker: LoadingWorker | undefined): Promise<void> {
  const colour = process.stderr.isTTY && !flags.nocolors;
  const logger = await createPinoLogger(
    flags.json ? 'json' : colour ? 'colour' : 'text',
    flags.debug ?? false,
  );
  process.on('uncaughtException', (error) => {
    logger.error({ err: error }, 'the tracker failed: this is a bug');
    process.exit(FAILURE);
  });

  const read = () => readConfig(flags, logger);
  let tracker: Tracker | undefined;
  let askedEarly = false;
  const reload = () => {
    askedEarly ||= tracker === undefined;
    if (tracker) void reloadTold(tracker, read, manager);
  };
  const signals = handleSignals(logger, reload);
  if (flags.watch) {
    const path = expectedPath(flags);
    watchFile(path, () => {
      logger.info({ path }, 'the configuration file has changed: reloading');
      reload();
    });
  }
  const manager = await ServiceManager.find(process.env, logger);
  try {
    const bound = await settleProcess(flags, logger);
    tracker = await Tracker.start(await read(), { logger, clock: systemClock, firstWorker, bound });
  } catch (error) {
    tellFailure(error, 'the tracker did not start', logger);
    process.exit(FAILURE);
  }
  tellServed(tracker, 'ready', logger);
  manager.ready(statusOf(tracker));
  // What was read at the start may have been another file.
  if (askedEarly) reload();

  const signal = await signals;
  logger.info({ signal }, 'stopping');
  manager.stopping();
  await tracker.stop();
  logger.info('stopped');
  process.exit(0);
}

async function reloadTold(tracker: Tracker, read: ReadConfig, manager: ServiceManager): Promise<void> {
  manager.reloading();
  // The tracker has logged what it fails with, and goes on as before.
  await tracker.reload(read).catch(() => {});
  manager.ready(statusOf(tracker));
}

/** What `systemctl status` shows. */
function statusOf({ addresses }: Tracker): string {
  return `serving ${addresses.map(urlOf).join(', ')}`;
}
