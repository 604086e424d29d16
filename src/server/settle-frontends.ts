/** What all workers have in common of the frontends: ports, and whatever else `settle` of the drivers decides. */

import type { BoundSockets } from '../pkg/bound-sockets.ts';
import type { Logger } from '../pkg/logger.ts';
import { openComponent } from './open-component.ts';
import type { TrackerConfig } from './tracker-parts.ts';

/** The options of each configured frontend, as the configuration has them and as the workers are given them. */
export interface SettledFrontends {
  readonly config: TrackerConfig;
  readonly options: readonly unknown[];
}

/** @throws Error with the frontend's name, if one could not be opened */
export async function settleFrontends(
  config: TrackerConfig,
  before: SettledFrontends | undefined,
  logger: Logger,
  bound: BoundSockets | undefined,
): Promise<SettledFrontends> {
  const options: unknown[] = [];
  for (const chosen of config.frontends) {
    const settled = openComponent(chosen, logger, (driver, given, own) =>
      driver.settle ? driver.settle(given, { logger: own, before: find(before, driver.name), bound }) : given,
    );
    options.push(await settled);
  }
  return { config, options };
}

function find(
  settled: SettledFrontends | undefined,
  name: string,
): { readonly given: unknown; readonly settled: unknown } | undefined {
  const index = settled?.config.frontends.findIndex(({ component }) => component.name === name) ?? -1;
  if (index < 0) return undefined;
  return { given: settled?.config.frontends[index]?.options, settled: settled?.options[index] };
}
