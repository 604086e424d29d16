/** Everything that ships and that a configuration can name. */

import { frontendDrivers } from '../frontend/drivers.ts';
import { hookDrivers } from '../middleware/drivers.ts';
import { storageDrivers } from '../storage/drivers.ts';
import type { TrackerComponents } from './tracker-parts.ts';

export const builtIn: TrackerComponents = {
  frontends: frontendDrivers,
  stores: storageDrivers,
  hooks: hookDrivers,
};
