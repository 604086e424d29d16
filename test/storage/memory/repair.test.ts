/** What the death of a thread in the middle of a call leaves behind, made by hand: a lock that nobody gives back. */

import { expect, test } from 'vitest';
import { systemClock } from '../../../src/pkg/clock.ts';
import { LOCKS_AREA, SHARD_LOCKS } from '../../../src/storage/memory/areas.ts';
import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { someInfohash } from '../../support/requests.ts';
import { offer, peer, scrape } from '../../support/store-calls.ts';

const DEAD = 3;

/** Words between two locks. */
const STRIDE = 16;

test('mending a part changes nothing in swarms that were whole', async () => {
  const store = MemoryPeerStore.create({ shardCount: 1, clock: systemClock, shared: true });
  const [empty, small, large] = [someInfohash(0), someInfohash(1), someInfohash(2)];
  store.graduateLeecher(empty, peer(1));
  store.deleteSeeder(empty, peer(1));
  for (let n = 0; n < 5; n++) store.graduateLeecher(small, peer(n));
  for (let n = 0; n < 700; n++) store[n < 100 ? 'putSeeder' : 'putLeecher'](large, peer(n));
  const totals = store.totals();

  const buffer = store.handle().memory.areas.find(([id]) => id === LOCKS_AREA)?.[1] as SharedArrayBuffer;
  new Int32Array(buffer)[SHARD_LOCKS * STRIDE] = DEAD;
  store.bury(DEAD);

  expect(await scrape(store, empty)).toEqual([0, 0, 1]);
  expect(await scrape(store, small)).toEqual([5, 0, 5]);
  expect(await scrape(store, large)).toEqual([100, 600, 0]);
  expect(new Set((await offer(store, large, peer(999), false, 800)).peers).size).toBe(700);
  expect(store.totals()).toEqual(totals);
  store.putLeecher(empty, peer(2));
  expect(await scrape(store, empty)).toEqual([0, 1, 1]);
  await store.stop();
});
