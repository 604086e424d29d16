/** What is settled before the tracker starts: whose process it is, and which sockets are there already. */

import { BoundSockets } from '../pkg/bound-sockets.ts';
import { type Logger, silentLogger } from '../pkg/logger.ts';
import { bindPrivileged } from '../server/privileged-sockets.ts';
import { become, findAccount, isRoot } from './account.ts';
import type { ConfigFlags } from './config-path.ts';
import { matchInherited, takeInherited } from './inherited-sockets.ts';
import { readConfig } from './read-config.ts';

export interface ProcessFlags extends ConfigFlags {
  readonly user?: string;
  readonly allowRoot?: boolean;
}

/**
 * Takes the sockets that were handed over, binds those that the user whom the flags name could not, and becomes that user.
 * What the tracker runs with is read after that, as a reload and a worker that takes another's place will have to.
 *
 * @throws Error if it would run as root without having been told to
 */
export async function settleProcess(flags: ProcessFlags, logger: Logger): Promise<BoundSockets> {
  const account = flags.user === undefined ? undefined : findAccount(flags.user);
  if (!account && isRoot()) {
    if (!flags.allowRoot) {
      throw new Error(
        'it would run as root, where a mistake costs the whole machine: start it as another user, ' +
          'have it become one with --user NAME, or insist with --allow-root',
      );
    }
    logger.info('runs as root, as --allow-root says');
  }
  const inherited = await takeInherited(process.env);
  if (!account && inherited.length === 0) return new BoundSockets([]);

  const config = await readConfig(flags, silentLogger);
  const handed = await matchInherited(inherited, config, logger);
  if (!account) return new BoundSockets(handed);
  const privileged = await bindPrivileged(config, new BoundSockets(handed));
  become(account);
  const fields = {
    user: account.user,
    uid: account.uid,
    gid: process.getgid?.(),
    groups: process.getgroups?.(),
  };
  logger.info(fields, 'root has become another user');
  return new BoundSockets([...handed, ...privileged]);
}
