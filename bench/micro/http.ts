/** HTTP: reading a request's head and query, and writing bencoded answers. */

import assert from 'node:assert/strict';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import { AnnounceRequest, AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { PeerList } from '../../src/bittorrent/peer-list.ts';
import { HeadStatus, RequestHead } from '../../src/frontend/http/head-parser.ts';
import { Output, Persistence } from '../../src/frontend/http/output.ts';
import { RequestParser } from '../../src/frontend/http/parser.ts';
import { announceRoom, writeAnnounce } from '../../src/frontend/http/writer.ts';
import { unlimited } from '../../src/frontend/source-rate.ts';
import { httpAnnounce } from '../support/http-announce.ts';
import { setPeer } from '../support/numbered.ts';
import type { Benchmark } from './benchmark.ts';

const INFOHASH = Buffer.from('bench\x00\xff\x80%&00000000001', 'latin1').subarray(0, 20);
const REQUEST = httpAnnounce(INFOHASH, Buffer.from('-BN0100-000000000001'), 6881, 1000, 50, true);
const REMOTE = Uint8Array.of(10, 0, 0, 1);
const LIMITS = { maxNumwant: 100, defaultNumwant: 50, maxScrapeInfohashes: 50 };

export const httpBenchmarks: readonly Benchmark[] = [
  {
    group: 'HTTP requests',
    name: 'read the head of an announce',
    prepare() {
      const head = new RequestHead();
      let status: HeadStatus | undefined;
      return {
        run() {
          head.reset(0);
          status = head.read(REQUEST, REQUEST.length);
        },
        check: () => assert.equal(status, HeadStatus.Complete),
      };
    },
  },
  {
    group: 'HTTP requests',
    name: 'parse its query into a request',
    prepare() {
      const head = new RequestHead();
      head.reset(0);
      head.read(REQUEST, REQUEST.length);
      const parser = new RequestParser({ allow_ip_spoofing: false, trusted_proxies: [] }, LIMITS, unlimited);
      const request = new AnnounceRequest();
      let error: unknown;
      return {
        run: () => (error = parser.parseAnnounce(REQUEST, head, REMOTE, request)),
        check() {
          assert.equal(error, undefined);
          assert.deepEqual(Buffer.from(request.infohash.bytes), INFOHASH);
          assert.equal(request.numwant, 50);
        },
      };
    },
  },
  writing('50 peers, compact', 50, true),
  writing('50 peers, a list of dictionaries', 50, false),
  writing('no peers', 0, true),
];

function writing(name: string, peers: number, compact: boolean): Benchmark {
  return {
    group: 'HTTP answers',
    name,
    prepare() {
      const output = new Output();
      const request = new AnnounceRequest();
      request.compact = compact;
      const response = new AnnounceResponse(new PeerList(100));
      response.reset(AddressFamily.IPv4);
      response.peers.includeIds = !compact;
      Object.assign(response, { interval: 1800, minInterval: 900, complete: 1234, incomplete: 567 });
      const peer = new Peer();
      for (let number = 0; number < peers; number++) {
        setPeer(peer, number);
        response.peers.add(peer);
      }
      return {
        run() {
          output.clear();
          output.begin(announceRoom(response.peers, compact));
          writeAnnounce(output, request, response);
          output.finish(Persistence.Implied, false);
        },
        check() {
          const text = output.pending().toString('latin1');
          assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nd8:completei1234e10:incompletei567e.*e$/s);
          if (compact) assert.ok(text.includes(`5:peers${6 * peers}:`));
          else assert.equal(text.split('7:peer id20:').length - 1, peers);
        },
      };
    },
  };
}
