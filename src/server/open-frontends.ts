/** Opens the frontends that are configured over one logic, all of which stop together. */

import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import type { Frontend } from '../frontend/frontend.ts';
import { Closers } from './closers.ts';
import { openComponent } from './open-component.ts';
import type { PartsDependencies, TrackerConfig } from './tracker-parts.ts';

/**
 * @param reusePort whether other workers open the same
 * @throws Error with the frontend's name; those before it are closed with `closers`
 */
export async function openFrontends(
  config: TrackerConfig,
  logic: TrackerLogic,
  reusePort: boolean,
  { logger, metrics, closers }: PartsDependencies,
): Promise<Frontend[]> {
  const frontends: Frontend[] = [];
  // All at once: none takes new requests while another still answers its last.
  const open = new Closers(logger);
  closers.push(() => open.closeTogether());
  for (const chosen of config.frontends) {
    const frontend = await openComponent(chosen, logger, (driver, options, own) =>
      driver.open(options, { logic, logger: own, metrics, reusePort }),
    );
    open.push(() => frontend.stop());
    frontends.push(frontend);
  }
  return frontends;
}
