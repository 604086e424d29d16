/**
 * What each thread does: announces of known and of new peers, and of some that leave, in swarms that all threads have in
 * common. As many leave as come: however much is done, the swarms are as large at the end as they were.
 */

import assert from 'node:assert/strict';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import { AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { PeerList } from '../../src/bittorrent/peer-list.ts';
import { Random } from '../../src/pkg/random.ts';
import type { PeerStore } from '../../src/storage/storage.ts';
import { setInfohash, setPeer } from '../support/numbered.ts';

export const SWARMS = 10_000;
/** Peers of each swarm at first. */
export const SIZE = 100;
const WANTED = 30;

/** Of 16 announces two are by peers that are new, and two by peers that leave: of the new ones those that came first. */
const NEW = 2;
const LEAVING = 4;
const OF = 16;
/** New peers that have not left yet are never more. */
const MOST_NEW = 1 << 14;

/** Announces between two looks at the time. */
const STEP = 64;

/** Announces for so long, and returns how often. @param thread draws other peers than every other */
export function announceFor(milliseconds: number, store: PeerStore, thread: number): number {
  const random = new Random(Int32Array.of(thread, 2, 3, 4));
  const infohash = new Infohash();
  const peer = new Peer();
  const response = new AnnounceResponse(new PeerList(WANTED));
  const first = (thread + 1) * 4_000_000;
  let came = 0;
  let left = 0;
  /** The swarms that the latest newcomers came to. */
  const swarms = new Int32Array(MOST_NEW);
  let count = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end; count += STEP) {
    for (let i = 0; i < STEP; i++) {
      const kind = random.below(OF);
      const comes = kind < NEW && came - left < MOST_NEW;
      const leaves = kind >= NEW && kind < LEAVING && left < came;
      const swarm = leaves ? (swarms[left % MOST_NEW] as number) : random.below(SWARMS);
      if (comes) swarms[came % MOST_NEW] = swarm;
      const number = comes ? first + came++ : leaves ? first + left++ : swarm * SIZE + random.below(SIZE);
      setInfohash(infohash, swarm);
      setPeer(peer, number);
      response.reset(AddressFamily.IPv4);
      const seeder = number % 2 === 0;
      store.announcePeers(infohash, peer, seeder, WANTED, response);
      if (response.peers.count !== WANTED)
        assert.fail(`expected ${WANTED} peers, found ${response.peers.count}`);
      if (leaves) {
        if (seeder) store.deleteSeeder(infohash, peer);
        else store.deleteLeecher(infohash, peer);
      } else if (seeder) store.putSeeder(infohash, peer);
      else store.putLeecher(infohash, peer);
    }
  }
  return count;
}
