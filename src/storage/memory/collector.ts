/**
 * Garbage collection: removes peers that have not announced for long, in slices between which the tracker
 * serves requests.
 *
 * A slice looks at peers until its time is up, then gives way to whatever waits in the event loop. It goes
 * by swarm number and, within a swarm, from the last position to the first: removing a peer moves only
 * peers that have been looked at already. What comes and goes between two slices may move a peer past
 * the collector's place; that peer is found at the next collection.
 */

import type { SwarmPeers } from './swarm-peers.ts';
import { PEERS } from './swarm-table.ts';

/** A slice ends after this long, in milliseconds. */
const SLICE = 0.25;

/** How many peers are looked at between two looks at the time. */
const STEP = 256;

/**
 * Removes from `peers` all last seen before `second`, at the time `now`. Resolves when every swarm has been
 * looked at, or `stopped` says so.
 */
export async function collect(
  peers: SwarmPeers,
  second: number,
  now: number,
  stopped: () => boolean,
): Promise<void> {
  const { swarms } = peers;
  let swarm = 0;
  let position = -1;
  let budget = STEP;
  let deadline = performance.now() + SLICE;
  while (swarm < swarms.length) {
    if (swarms.isLive(swarm)) {
      const size = peers.size(swarm);
      if (position < 0 || position > size) position = size;
      while (position > 0 && budget > 0) {
        position--;
        budget--;
        if (peers.lastSeen(swarm, position) < second) peers.remove(swarm, position, now);
      }
      if (position <= 0 && swarms.isLive(swarm) && size === 0 && swarms.get(swarm, PEERS) < second) {
        swarms.remove(swarm);
      }
    } else {
      position = 0;
    }
    budget--;
    if (position <= 0) {
      swarm++;
      position = -1;
    }
    if (budget > 0) continue;
    budget = STEP;
    if (performance.now() < deadline) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (stopped()) return;
    deadline = performance.now() + SLICE;
  }
}
