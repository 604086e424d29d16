/** What the operator is told of a start and of a reload. */

import { ConfigError } from '../config/problem.ts';
import type { BoundAddress } from '../frontend/frontend.ts';
import { formatHostPort } from '../pkg/listen-address.ts';
import type { Logger } from '../pkg/logger.ts';

export interface Told {
  readonly addresses: readonly BoundAddress[];
  readonly metricsAddress: { readonly host: string; readonly port: number } | undefined;
}

/** @param what `ready` or `reloaded` */
export function tellServed({ addresses, metricsAddress }: Told, what: string, logger: Logger): void {
  const metrics = metricsAddress && `${urlOf({ protocol: 'http', ...metricsAddress })}/metrics`;
  logger.info({ addresses: addresses.map(urlOf), ...(metrics ? { metrics } : {}) }, what);
}

/** Without a path. */
export function urlOf({ protocol, host, port }: BoundAddress): string {
  return `${protocol}://${formatHostPort(host, port)}`;
}

/** @param what came of it, such as `the tracker did not start` */
export function tellFailure(error: unknown, what: string, logger: Logger): void {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) logger.error(problem);
    const count = error.problems.length;
    logger.error(`${what}: ${count} mistake${count === 1 ? '' : 's'} in the configuration`);
  } else {
    logger.error(`${what}: ${(error as Error).message}`);
    logger.debug({ err: error }, 'where it failed');
  }
}
