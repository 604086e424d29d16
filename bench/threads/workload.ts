/** What each thread does: announces of known and of new peers, and of some that leave, in swarms that all threads have in common. */

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

/** Of 16 announces two are by peers that are new, and one by a peer that leaves. */
const NEW = 2;
const LEAVES = 3;
const OF = 16;

/** Announces between two looks at the time. */
const STEP = 64;

/** Announces for so long, and returns how often. @param thread draws other peers than every other */
export function announceFor(milliseconds: number, store: PeerStore, thread: number): number {
  const random = new Random(Int32Array.of(thread, 2, 3, 4));
  const infohash = new Infohash();
  const peer = new Peer();
  const response = new AnnounceResponse(new PeerList(WANTED));
  let newcomer = (thread + 1) * 4_000_000;
  let count = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end; count += STEP) {
    for (let i = 0; i < STEP; i++) {
      const swarm = random.below(SWARMS);
      const kind = random.below(OF);
      const number = kind < NEW ? newcomer++ : swarm * SIZE + random.below(SIZE);
      setInfohash(infohash, swarm);
      setPeer(peer, number);
      response.reset(AddressFamily.IPv4);
      const seeder = number % 2 === 0;
      store.announcePeers(infohash, peer, seeder, WANTED, response);
      if (response.peers.count !== WANTED)
        assert.fail(`expected ${WANTED} peers, found ${response.peers.count}`);
      if (kind === LEAVES - 1) {
        store.deleteSeeder(infohash, peer);
        store.deleteLeecher(infohash, peer);
      } else if (seeder) store.putSeeder(infohash, peer);
      else store.putLeecher(infohash, peer);
    }
  }
  return count;
}
