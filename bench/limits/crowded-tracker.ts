/**
 * A tracker that begins with five million peers, all of whom should have announced again long ago. Prints its port
 * when it is ready; told to by SIGUSR2, it collects them and prints how long that took.
 */

import { Infohash } from '../../src/bittorrent/infohash.ts';
import { createTracker } from '../../src/server/create-tracker.ts';
import { fillSwarm, setInfohash } from '../support/numbered.ts';
import { print } from '../support/print.ts';

const SWARMS = 50_000;
const SIZE = 100;
const HOUR = 3_600_000;

/** Slow by an hour until the peers are there. */
let behind = HOUR;
const clock = { now: () => Date.now() - behind };

const tracker = await createTracker({ udp: { addr: '127.0.0.1:0' } }, { clock });
const infohash = new Infohash();
for (let swarm = 0; swarm < SWARMS; swarm++) {
  setInfohash(infohash, swarm);
  fillSwarm(tracker.store, infohash, swarm * SIZE, (swarm + 1) * SIZE);
}
behind = 0;

process.on('SIGUSR2', async () => {
  const began = performance.now();
  await tracker.store.collectGarbage(clock.now() - HOUR / 2);
  print(`collected in ${Math.round(performance.now() - began)} ms`);
});
print(`ready ${tracker.addresses[0]?.port}`);
