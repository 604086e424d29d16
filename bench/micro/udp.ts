/** UDP: parsing, connection ids, and the whole way from a packet to its answer without the kernel. */

import assert from 'node:assert/strict';
import { AnnounceRequest } from '../../src/bittorrent/announce.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { ScrapeRequest } from '../../src/bittorrent/scrape.ts';
import { sourceRate, unlimited } from '../../src/frontend/source-rate.ts';
import { ConnectionIds } from '../../src/frontend/udp/connection-id.ts';
import { OPTION_URL_DATA } from '../../src/frontend/udp/packet.ts';
import { parseAnnounce, parseScrape } from '../../src/frontend/udp/parser.ts';
import { peerIdAt, writeAnnounce, writeScrape } from '../support/announce-packet.ts';
import { BATCH, FedTracker } from '../support/fed-tracker.ts';
import { setPeer, setPeerV6, writeIpv4, writePeerId } from '../support/numbered.ts';
import type { Benchmark } from './benchmark.ts';

const INFOHASH = Buffer.from('bench000000000000001');
const NOW = 1_767_225_600;

/** Addresses that connection ids are made for. */
const SOURCES = 1024;

export const udpBenchmarks: readonly Benchmark[] = [
  parsing('parse an announce', ''),
  parsing('parse an announce with URL data', '/0123456789abcdef0123456789abcdef/announce'),
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
  sourceRates('a source that is remembered', 1 << 14),
  sourceRates('a source that takes the place of another', 1 << 20),
  answered(1, 100, 30),
  answered(1, 10_000, 30),
  answered(1, 10_000, 100),
  answered(10_000, 10, 30),
];

function parsing(name: string, url: string): Benchmark {
  return {
    group: 'UDP packets',
    name,
    prepare() {
      const packet = new Uint8Array(256);
      const words = new Int32Array(packet.buffer);
      const request = new AnnounceRequest();
      writePeerId(packet, peerIdAt(0), 1);
      let length = writeAnnounce(packet, 0, 7, INFOHASH, 0, 1000, 0, 50, 6881);
      if (url !== '') {
        packet.set([OPTION_URL_DATA, url.length, ...Buffer.from(url)], length);
        length += 2 + url.length;
      }
      let error: unknown;
      return {
        run: () => (error = parseAnnounce(packet, words, 0, length, 4, false, request)),
        check() {
          assert.equal(error, undefined);
          assert.deepEqual(Buffer.from(request.infohash.bytes), INFOHASH);
          assert.equal(request.left, 1000n);
          assert.equal(request.params.path, url);
        },
      };
    },
  };
}

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
      // Many, in turn: a processor that has seen the same bits before knows how each branch will go.
      const sources = Array.from({ length: SOURCES }, (_, number) => {
        const source = new Peer();
        setSource(source, number);
        return source;
      });
      const bytes = new Uint8Array(8 * SOURCES);
      for (const [i, source] of sources.entries()) ids.write(bytes, 8 * i, source, NOW);
      let next = 0;
      const turn = () => (next = (next + 1) % SOURCES);
      return {
        run:
          method === 'write'
            ? () => ids.write(bytes, 8 * turn(), sources[next] as Peer, NOW)
            : () => ids.accepts(bytes, 8 * turn(), sources[next] as Peer, NOW + 1),
        check() {
          const source = sources[next] as Peer;
          assert.equal(ids.accepts(bytes, 8 * next, source, NOW + 1), true);
          assert.equal(ids.accepts(bytes, 8 * next, source, NOW + 121), false);
        },
      };
    },
  };
}

/** @param count sources, in turn: of more than the table has places for, each is forgotten before its next turn */
function sourceRates(name: string, count: number): Benchmark {
  return {
    group: 'rate limits',
    name,
    prepare() {
      const rate = sourceRate({ rate: 1, burst: 60_000 }, unlimited);
      const source = new Uint8Array(4);
      let next = 0;
      let now = 1000 * NOW;
      let taken = false;
      return {
        run() {
          next = (next + 1) % count;
          if (next === 0) now += 1000;
          writeIpv4(source, 0, next);
          taken = rate.take(source, 0, 4, now);
        },
        check: () => assert.equal(taken, true),
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
