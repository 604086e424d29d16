/** Everything that ships and that a configuration can name. */

import type { Components } from '../config/component.ts';
import { frontendDrivers } from '../frontend/drivers.ts';
import type { FrontendDriver } from '../frontend/frontend.ts';
import { hookDrivers } from '../middleware/drivers.ts';
import type { HookDriver } from '../middleware/middleware.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { storageDrivers } from '../storage/drivers.ts';

export const builtIn: Components<FrontendDriver, StorageDriver, HookDriver> = {
  frontends: frontendDrivers,
  stores: storageDrivers,
  hooks: hookDrivers,
};
