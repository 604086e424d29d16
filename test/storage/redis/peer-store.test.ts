/** The contract, on every kind of Redis that there is. */

import { afterAll, beforeAll, describe } from 'vitest';
import type { Clock } from '../../../src/pkg/clock.ts';
import { describePeerStore, type StoreTraits } from '../../conformance/peer-store.ts';
import { describeWithRedis } from '../../support/describe-with-redis.ts';
import { openStore } from './open-store.ts';
import { type Topology, topologies } from './topologies.ts';

/** HRANDFIELD is nearly even only; see docs/storage/redis.md. */
const traits: StoreTraits = { ordersUpTo: 0, evenUpTo: 150, slow: true };

describeWithRedis('the Redis store', () => {
  describe.each(topologies)('%s', (_, start) => {
    let topology: Topology;
    beforeAll(async () => {
      topology = await start();
    });
    afterAll(() => topology?.stop());

    const open = async (clock: Clock) => {
      await Promise.all(topology.masters.map((master) => master.command('FLUSHALL')));
      return (await openStore(topology.config, clock)).store;
    };
    describePeerStore('redis', open, traits);
  });
});
