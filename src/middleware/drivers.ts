/** Every hook that ships, by the `name` in the configuration. To add one: docs/middleware/adding-a-hook.md. */

import { clientApproval } from './client-approval/driver.ts';
import { intervalVariation } from './interval-variation/driver.ts';
import type { HookDriver } from './middleware.ts';
import { torrentApproval } from './torrent-approval/driver.ts';

export const hookDrivers: readonly HookDriver[] = [clientApproval, torrentApproval, intervalVariation];
