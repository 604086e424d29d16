/** Every hook that ships, by the `name` in the configuration. To add one: docs/middleware/adding-a-hook.md. */

import { clientApprovalDriver } from './client-approval/driver.ts';
import { externalIpDriver } from './external-ip/driver.ts';
import { intervalVariationDriver } from './interval-variation/driver.ts';
import { jwtDriver } from './jwt/driver.ts';
import type { HookDriver } from './middleware.ts';
import { passkeyApprovalDriver } from './passkey-approval/driver.ts';
import { subnetPreferenceDriver } from './subnet-preference/driver.ts';
import { torrentApprovalDriver } from './torrent-approval/driver.ts';

export const hookDrivers: readonly HookDriver[] = [
  clientApprovalDriver,
  torrentApprovalDriver,
  jwtDriver,
  passkeyApprovalDriver,
  intervalVariationDriver,
  externalIpDriver,
  subnetPreferenceDriver,
];
