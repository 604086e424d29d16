/** UDP: parsing, connection ids, and the whole way from a packet to its answer without the kernel. */

import assert from 'node:assert/strict';
import { AnnounceRequest } from '../../src/bittorrent/announce.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { ScrapeRequest } from '../../src/bittorrent/scrape.ts';
import { ConnectionIds } from '../../src/frontend/udp/connection-id.ts';
import { parseAnnounce, parseScrape } from '../../src/frontend/udp/parser.ts';
import { peerIdAt, writeAnnounce, writeScrape } from '../support/announce-packet.ts';
import { BATCH, FedTracker } from '../support/fed-tracker.ts';
import { setPeer, setPeerV6, writePeerId } from '../support/numbered.ts';
import type { Benchmark } from './benchmark.ts';

const INFOHASH = Buffer.from('bench000000000000001');
const NOW = 1_767_225_600;

export const udpBenchmarks: readonly Benchmark[] = [
  {
    group: 'UDP packets',
    name: 'parse an announce',
    prepare() {
      const packet = new Uint8Array(128);
      const request = new AnnounceRequest();
      writePeerId(packet, peerIdAt(0), 1);
      const length = writeAnnounce(packet, 0, 7, INFOHASH, 0, 1000, 0, 50, 6881);
      let error: unknown;
      return {
        run: () => (error = parseAnnounce(packet, 0, length, 4, false, request)),
        check() {
          assert.equal(error, undefined);
          assert.deepEqual(Buffer.from(request.infohash.bytes), INFOHASH);
          assert.equal(request.left, 1000n);
        },
      };
    },
  },
  {
    group: 'UDP packets',
    name: 'parse a scrape of one swarm',
    prepare() {
      const packet = new Uint8Array(128);
      const request = new ScrapeRequest();
      const length = writeScrape(packet, 0, 7, INFOHASH, 0);
      let error: unknown;
      return {
        run: () => (error = parseScrape(packet, 0, length, request)),
        check() {
          assert.equal(error, undefined);
          assert.equal(request.infohashes.length, 1);
        },
      };
    },
  },
  connectionId('make a connection id, IPv4', setPeer, 'write'),
  connectionId('verify a connection id, IPv4', setPeer, 'accepts'),
  connectionId('verify a connection id, IPv6', setPeerV6, 'accepts'),
  answered(1, 100, 30),
  answered(1, 10_000, 30),
  answered(1, 10_000, 100),
  answered(10_000, 10, 30),
];

function connectionId(
  name: string,
  setSource: (peer: Peer, number: number) => void,
  method: 'write' | 'accepts',
): Benchmark {
  return {
    group: 'UDP connection ids',
    name,
    prepare() {
      const ids = new ConnectionIds('a secret', 10_000);
      const source = new Peer();
      setSource(source, 1);
      const bytes = new Uint8Array(8);
      ids.write(bytes, 0, source, NOW);
      return {
        run:
          method === 'write'
            ? () => ids.write(bytes, 0, source, NOW)
            : () => ids.accepts(bytes, 0, source, NOW + 1),
        check() {
          assert.equal(ids.accepts(bytes, 0, source, NOW + 1), true);
          assert.equal(ids.accepts(bytes, 0, source, NOW + 121), false);
        },
      };
    },
  };
}

/** The whole tracker but the kernel, a batch at a time. */
function answered(swarms: number, size: number, numwant: number): Benchmark {
  return {
    group: `UDP announces answered, a batch of ${BATCH}`,
    name: `${numwant} wanted, ${swarms} × ${size} peers`,
    prepare() {
      const tracker = new FedTracker(swarms, size, numwant, 64);
      let bytes = 0;
      return {
        run: () => (bytes = tracker.run(1)),
        check() {
          if (size > 2 * numwant) assert.equal(bytes, FedTracker.expectedBytes(1, numwant));
          // A seeder is given the leechers, a leecher everybody but itself.
          else assert.ok(bytes >= FedTracker.expectedBytes(1, size / 2));
        },
      };
    },
  };
}
