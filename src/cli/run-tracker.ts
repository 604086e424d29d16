/** Runs the tracker until it is told to stop. */

import { BoundSockets } from '../pkg/bound-sockets.ts';
import { systemClock } from '../pkg/clock.ts';
import { type Logger, silentLogger } from '../pkg/logger.ts';
import { createPinoLogger } from '../pkg/pino-logger.ts';
import type { LoadingWorker } from '../server/loading-worker.ts';
import { bindPrivileged } from '../server/privileged-sockets.ts';
import { tellFailure, tellServed, urlOf } from '../server/tell.ts';
import { type ReadConfig, Tracker } from '../server/tracker.ts';
import { become, findAccount, isRoot } from './account.ts';
import { type ConfigFlags, expectedPath } from './config-path.ts';
import { readConfig } from './read-config.ts';
import { ServiceManager } from './service-manager.ts';
import { handleSignals } from './signals.ts';
import { watchFile } from './watch-file.ts';

const FAILURE = 1;

export interface RunFlags extends ConfigFlags {
  readonly debug?: boolean;
  readonly json?: boolean;
  readonly nocolors?: boolean;
  readonly watch?: boolean;
  readonly user?: string;
  readonly allowRoot?: boolean;
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
    const bound = await leaveRoot(flags, logger);
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

/**
 * Becomes the user that the flags name, with the sockets that it could not bind. What the tracker then runs with is
 * read as that user, which a reload and a worker that takes another's place will have to do, too.
 *
 * @throws Error if it would run as root without having been told to
 */
async function leaveRoot(flags: RunFlags, logger: Logger): Promise<BoundSockets> {
  if (flags.user !== undefined) {
    const account = findAccount(flags.user);
    const bound = await bindPrivileged(await readConfig(flags, silentLogger));
    become(account);
    const { uid } = account;
    const fields = { user: account.user, uid, gid: process.getgid?.(), groups: process.getgroups?.() };
    logger.info(fields, 'root has become another user');
    return bound;
  }
  if (isRoot()) {
    if (!flags.allowRoot) {
      throw new Error(
        'it would run as root, where a mistake costs the whole machine: start it as another user, ' +
          'have it become one with --user NAME, or insist with --allow-root',
      );
    }
    logger.info('runs as root, as --allow-root says');
  }
  return new BoundSockets([]);
}
