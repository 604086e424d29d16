/** The memory store's operations, and its garbage collection. */

import assert from 'node:assert/strict';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import { AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { PeerList } from '../../src/bittorrent/peer-list.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';
import { SwarmCounts } from '../../src/bittorrent/scrape.ts';
import { Ipv4Prefixes } from '../../src/middleware/subnet-preference/ipv4-prefixes.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { fillSwarm, setInfohash, setPeer } from '../support/numbered.ts';
import { createStore } from '../support/store.ts';
import type { Benchmark } from './benchmark.ts';

const SWARMS = 10_000;
const SIZE = 100;
const WANTED = 30;

export const storeBenchmarks: readonly Benchmark[] = [
  {
    group: 'memory store',
    name: 'putSeeder, a new peer',
    prepare() {
      const store = createStore();
      const { infohash, peer } = one();
      let number = 0;
      return {
        run() {
          setInfohash(infohash, number % SWARMS);
          setPeer(peer, number);
          store.putSeeder(infohash, peer);
          number++;
          // 2^24 addresses are all there are, and the store is not to grow for as long as the timer likes.
          if (number === 2_000_000) number = 0;
        },
        check: () => assert.equal(store.totals().seeders, number),
      };
    },
  },
  {
    group: 'memory store',
    name: 'putSeeder, a known peer',
    prepare() {
      const { store, infohash, peer } = filled();
      let number = 0;
      return {
        run() {
          number = (number + 2 * 7919) % (SWARMS * SIZE);
          setInfohash(infohash, Math.floor(number / SIZE));
          setPeer(peer, number);
          store.putSeeder(infohash, peer);
        },
        check: () => assert.deepEqual(store.totals().seeders, (SWARMS * SIZE) / 2),
      };
    },
  },
  {
    group: 'memory store',
    name: 'deleteLeecher and putLeecher',
    prepare() {
      const { store, infohash, peer } = filled();
      let number = 1;
      return {
        run() {
          number = (number + 2 * 7919) % (SWARMS * SIZE);
          setInfohash(infohash, Math.floor(number / SIZE));
          setPeer(peer, number);
          store.deleteLeecher(infohash, peer);
          store.putLeecher(infohash, peer);
        },
        check: () => assert.deepEqual(store.totals().leechers, (SWARMS * SIZE) / 2),
      };
    },
  },
  ...[100, 10_000, 100_000].map((size) => announcePeers(size)),
  // The swarm's addresses are consecutive: 49 racks.
  announcePeers(100_000, new Ipv4Prefixes([21, 16])),
  {
    group: 'memory store',
    name: 'scrapeSwarm',
    prepare() {
      const { store, infohash } = filled();
      const counts = new SwarmCounts();
      let number = 0;
      return {
        run() {
          number = (number + 7919) % SWARMS;
          setInfohash(infohash, number);
          store.scrapeSwarm(infohash, AddressFamily.IPv4, counts);
        },
        check: () => assert.deepEqual([counts.complete, counts.incomplete], [SIZE / 2, SIZE / 2]),
      };
    },
  },
  {
    group: 'garbage collection',
    name: 'look at 100,000 peers in 1,000 swarms',
    prepare() {
      const clock = new ManualClock();
      const store = createStore(clock);
      const { infohash } = one();
      for (let swarm = 0; swarm < 1000; swarm++) {
        setInfohash(infohash, swarm);
        fillSwarm(store, infohash, swarm * SIZE, (swarm + 1) * SIZE);
      }
      return {
        run: async () => store.collectGarbage(clock.now() - 1000),
        check: () => assert.equal(store.totals().seeders + store.totals().leechers, 1000 * SIZE),
      };
    },
  },
];

function one(): { infohash: Infohash; peer: Peer } {
  return { infohash: new Infohash(), peer: new Peer() };
}

function filled() {
  const store = createStore();
  const { infohash, peer } = one();
  for (let swarm = 0; swarm < SWARMS; swarm++) {
    setInfohash(infohash, swarm);
    fillSwarm(store, infohash, swarm * SIZE, (swarm + 1) * SIZE);
  }
  return { store, infohash, peer };
}

function announcePeers(size: number, preference?: PeerPreference): Benchmark {
  return {
    group: 'memory store',
    name: `announcePeers, ${WANTED} of ${size.toLocaleString('en-US')}${preference ? ', near ones first' : ''}`,
    prepare() {
      const store = createStore();
      const { infohash, peer } = one();
      setInfohash(infohash, 0);
      fillSwarm(store, infohash, 0, size);
      const response = new AnnounceResponse(new PeerList(WANTED));
      let number = 0;
      return {
        run() {
          number = (number + 7919) % size;
          setPeer(peer, number);
          response.reset(peer.family);
          store.announcePeers(infohash, peer, false, WANTED, response, preference);
        },
        check() {
          assert.equal(response.peers.count, WANTED);
          assert.deepEqual([response.complete, response.incomplete], [size / 2, size / 2]);
        },
      };
    },
  };
}
