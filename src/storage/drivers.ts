/** Every peer store that ships, by `storage.name` in the configuration. The first is the default. */

import { memoryDriver } from './memory/driver.ts';

export const storageDrivers = [memoryDriver] as const;
