/** Every peer store that ships, by `storage.name` in the configuration. The first is the default. */

import { memoryDriver } from './memory/driver.ts';
import { redisDriver } from './redis/driver.ts';

export const storageDrivers = [memoryDriver, redisDriver] as const;
