/** Whether a tracker is ready follows its Redis. */

import { expect, it, onTestFinished } from 'vitest';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { startRedis } from '../../support/redis-server.ts';
import { TrackerProcess } from '../../support/tracker-process.ts';
import { until } from '../../support/until.ts';

describeWithRedis('readiness', () => {
  it.each(process.platform === 'linux' ? [1, 2] : [1])(
    'with %i workers, ends with its Redis and comes back with it',
    async (workers) => {
      const redis = await startRedis();
      const tracker = await TrackerProcess.start({
        workers,
        metrics_addr: '127.0.0.1:0',
        udp: { addr: '127.0.0.1:0', private_key: 'a secret text' },
        storage: { name: 'redis', config: { redis_broker: redis.url } },
      });
      onTestFinished(() => tracker.stop());
      const ready = async () => {
        const response = await fetch(new URL('/health/ready', tracker.metrics));
        return { status: response.status, body: await response.json() };
      };
      const becomes = (status: number) =>
        until(`status ${status}`, async () => (await ready()).status === status);

      await becomes(200);
      await redis.kill();
      await becomes(503);
      expect((await ready()).body).toEqual({ status: 'not ready', reasons: ['the store does not answer'] });
      await redis.restart();
      await becomes(200);
    },
  );
});
