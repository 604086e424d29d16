/** `describe` for tests that start Redis servers: skipped where there is none, and said so. */

import { afterAll, describe, it } from 'vitest';
import { stopRedisServers, whyNoRedis } from './redis-server.ts';

/** Every server that its tests and hooks have started is stopped at the end, whatever failed. */
export function describeWithRedis(name: string, tests: () => void): void {
  const obstacle = whyNoRedis();
  if (obstacle) {
    it.skipIf(process.env.CI !== 'true')(`${name} cannot be tested: ${obstacle}`, () => {
      throw new Error(obstacle);
    });
  }
  describe.skipIf(obstacle)(name, () => {
    afterAll(stopRedisServers);
    tests();
  });
}
