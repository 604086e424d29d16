/** Every frontend that ships, by its key in the configuration. */

import { httpDriver } from './http/driver.ts';
import { udpDriver } from './udp/driver.ts';

export const frontendDrivers = [httpDriver, udpDriver] as const;
