/** Announces and scrapes, byte for byte. */

import { afterEach, describe, expect, test } from 'vitest';
import type { AnnounceRequest } from '../../../src/bittorrent/announce.ts';
import { ClientError } from '../../../src/bittorrent/client-error.ts';
import {
  COMPACT_BODY,
  FixedLogic,
  failure,
  get,
  INFOHASH,
  ok,
  PEER_ID,
  QUERY,
  RawClient,
  roundTrip,
  type Served,
  serve,
  status,
} from './support.ts';

let served: Served;
afterEach(() => served.frontend.stop());

const announce = (query: string) => roundTrip(served.port, get(`/announce?${query}`));
const scrape = (query: string) => roundTrip(served.port, get(`/scrape?${query}`));

/** The body of an answer. */
function body(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

describe('announce', () => {
  test('compact', async () => {
    served = await serve();
    expect(await announce(QUERY)).toBe(ok(COMPACT_BODY, 'close'));
  });

  test('the answer has a Date', async () => {
    served = await serve();
    const client = await RawClient.tcp(served.port);
    const before = Math.floor(Date.now() / 1000) * 1000;
    client.write(get(`/announce?${QUERY}`));
    await client.end();
    const date = /\r\nDate: (.*)\r\n/.exec(client.received.toString('latin1'))?.[1] ?? '';
    expect(new Date(date).toUTCString()).toBe(date);
    expect(Math.abs(Date.parse(date) - before)).toBeLessThanOrEqual(2000);
  });

  test('not compact: dictionaries with sorted keys', async () => {
    served = await serve();
    expect(await announce(QUERY.replace('compact=1', 'compact=0'))).toBe(
      ok(
        'd8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e5:peersl' +
          'd2:ip9:192.0.2.17:peer id20:-UT3550-0123456789ab4:porti6881ee' +
          'd2:ip9:192.0.2.27:peer id20:-UT3550-0123456789ab4:porti6881ee' +
          'ee',
        'close',
      ),
    );
  });

  test('not compact, IPv6, from an IPv6 announcer', async () => {
    served = await serve({ allow_ip_spoofing: true });
    served.logic.peers = ['2001:db8::1', '::', 'fe80:0:0:1::', '1:2:3:4:5:6:7:8'];
    expect(body(await announce(QUERY.replace('compact=1', 'ip=2001:db8::9')))).toBe(
      'd8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e5:peersl' +
        'd2:ip11:2001:db8::17:peer id20:-UT3550-0123456789ab4:porti6881ee' +
        'd2:ip2:::7:peer id20:-UT3550-0123456789ab4:porti6881ee' +
        'd2:ip12:fe80:0:0:1::7:peer id20:-UT3550-0123456789ab4:porti6881ee' +
        'd2:ip15:1:2:3:4:5:6:7:87:peer id20:-UT3550-0123456789ab4:porti6881ee' +
        'ee',
    );
  });

  test('the external address, where a hook asks for it: 4 or 16 bytes', async () => {
    served = await serve({ allow_ip_spoofing: true, enable_keepalive: true });
    served.logic.peers = [];
    let asked = true;
    served.logic.onAnnounce = (_request, _context, response) => {
      if (asked) response.includeExternalIp = true;
    };
    const client = await RawClient.tcp(served.port);
    const told = async (query: string) => {
      client.clear();
      client.write(get(`/announce?${query}`));
      return body(await client.answers(1));
    };
    const rest = '10:incompletei6e8:intervali1800e12:min intervali900e';
    expect(await told(QUERY)).toBe(`d8:completei5e11:external ip4:\x7f\0\0\x01${rest}5:peers0:e`);
    expect(await told(`${QUERY}&ip=198.51.100.7`)).toBe(
      `d8:completei5e11:external ip4:\xc6\x33\x64\x07${rest}5:peers0:e`,
    );
    expect(await told(`${QUERY}&ip=2001:db8::9`)).toBe(
      `d8:completei5e11:external ip16:\x20\x01\x0d\xb8${'\0'.repeat(11)}\x09${rest}e`,
    );
    expect(await told(QUERY.replace('compact=1', 'compact=0'))).toBe(
      `d8:completei5e11:external ip4:\x7f\0\0\x01${rest}5:peerslee`,
    );
    // The objects are used again: what one announce asked for is not told to the next.
    asked = false;
    expect(await told(QUERY)).toBe(`d8:completei5e${rest}5:peers0:e`);
    client.close();
  });

  test('compact, IPv6: peers6', async () => {
    served = await serve({ allow_ip_spoofing: true });
    served.logic.peers = ['2001:db8::1'];
    expect(body(await announce(`${QUERY}&ip=2001:db8::9`))).toBe(
      'd8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e' +
        '6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1e',
    );
  });

  test('without peers: `peers` for IPv4, nothing for IPv6, an empty list where not compact', async () => {
    served = await serve({ allow_ip_spoofing: true });
    served.logic.peers = [];
    const counts = 'd8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e';
    expect(body(await announce(QUERY))).toBe(`${counts}5:peers0:e`);
    expect(body(await announce(`${QUERY}&ip=2001:db8::9`))).toBe(`${counts}e`);
    expect(body(await announce(QUERY.replace('compact=1', '')))).toBe(`${counts}5:peerslee`);
    expect(body(await announce(`${QUERY.replace('compact=1', '')}&ip=2001:db8::9`))).toBe(
      `${counts}5:peerslee`,
    );
  });

  test('Content-Length of every width', async () => {
    served = await serve({ max_numwant: 3000, enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    let expected = '';
    for (const [i, peers] of [0, 2000, 5, 3000, 1, 200, 3000, 0].entries()) {
      served.logic.peers = Array(peers).fill('192.0.2.1');
      client.write(get(`/announce?${QUERY}`));
      await client.answers(i + 1);
      expected += ok(
        `d8:completei5e10:incompletei6e8:intervali1800e12:min intervali900e5:peers${6 * peers}:${'\xc0\x00\x02\x01\x1a\xe1'.repeat(peers)}e`,
      );
    }
    expect(client.text).toBe(expected);
    client.close();
  });

  test('odd numbers that a hook sets are written as whole ones', async () => {
    class OddLogic extends FixedLogic {
      override handleAnnounce(...[context, request, response]: Parameters<FixedLogic['handleAnnounce']>) {
        super.handleAnnounce(context, request, response);
        response.interval = 0.5;
        response.minInterval = -3;
        response.complete = Number.NaN;
        response.incomplete = 2 ** 40;
        response.peers.reset(4);
      }
    }
    served = await serve({}, new OddLogic());
    expect(body(await announce(QUERY))).toBe(
      'd8:completei0e10:incompletei1099511627776e8:intervali0e12:min intervali0e5:peers0:e',
    );
  });

  test('the request, as the logic sees it', async () => {
    served = await serve({ announce_routes: ['/:passkey/announce'] });
    let seen: Record<string, unknown> = {};
    served.logic.onAnnounce = (request, context) => {
      seen = {
        infohash: request.infohash.hex,
        id: Buffer.from(request.peer.id).toString(),
        address: request.peer.address,
        port: request.peer.port,
        family: request.peer.family,
        counters: [request.left, request.downloaded, request.uploaded],
        event: request.event,
        eventProvided: request.eventProvided,
        compact: request.compact,
        numwant: request.numwant,
        numwantProvided: request.numwantProvided,
        ipProvided: request.ipProvided,
        path: request.params.path,
        query: request.params.query,
        unknown: request.params.get('JWT'),
        passkey: context.routeParams.get('passkey'),
      };
    };
    const query = `${QUERY}&numwant=7&event=Started&jwt=a%20b+c`;
    await roundTrip(served.port, get(`/s%C3%A9cret%2f+/announce?${query}`));
    expect(seen).toEqual({
      infohash: '00ff263d3b6162636465666768696a6b6c6d6e6f',
      id: PEER_ID,
      address: '127.0.0.1',
      port: 6881,
      family: 4,
      counters: [1n, 2n, 3n],
      event: 2,
      eventProvided: true,
      compact: true,
      numwant: 7,
      numwantProvided: true,
      ipProvided: false,
      path: '/s%C3%A9cret%2f+/announce',
      query,
      unknown: 'a b c',
      passkey: 'sécret/+',
    });
  });

  test('one object serves request after request: nothing is left of the one before', async () => {
    served = await serve({ enable_keepalive: true, announce_routes: ['/announce', '/:key/announce'] });
    const seen: unknown[] = [];
    served.logic.onAnnounce = (request, context) => {
      const { event, eventProvided, compact, numwant, numwantProvided } = request;
      seen.push([event, eventProvided, compact, numwant, numwantProvided, context.routeParams.size]);
    };
    const client = await RawClient.tcp(served.port);
    client.write(get(`/k/announce?${QUERY}&event=stopped&numwant=3`));
    client.write(get(`/announce?${QUERY.replace('compact=1', '')}`));
    await client.answers(2);
    expect(seen).toEqual([
      [3, true, true, 3, true, 1],
      [0, false, false, 50, false, 0],
    ]);
    client.close();
  });
});

describe('scrape', () => {
  test('sorted by raw bytes, each infohash once', async () => {
    served = await serve();
    const low = '%00'.repeat(20);
    const high = '%ff'.repeat(20);
    expect(await scrape(`info_hash=${high}&info_hash=${low}&info_hash=${high}`)).toBe(
      ok(
        `d5:filesd20:${'\0'.repeat(20)}d8:completei2e10:downloadedi20e10:incompletei200ee` +
          `20:${'\xff'.repeat(20)}d8:completei1e10:downloadedi10e10:incompletei100eeee`,
        'close',
      ),
    );
  });

  test('beyond max_scrape_infohashes the first ones count', async () => {
    served = await serve({ max_scrape_infohashes: 2 });
    const hashes = ['c', 'b', 'a'].map((letter) => `info_hash=${letter.repeat(20)}`).join('&');
    expect(body(await scrape(hashes))).toBe(
      `d5:filesd20:${'b'.repeat(20)}d8:completei2e10:downloadedi20e10:incompletei200ee` +
        `20:${'c'.repeat(20)}d8:completei1e10:downloadedi10e10:incompletei100eeee`,
    );
  });

  test('the family is the requester’s, by the rules of announces', async () => {
    served = await serve({ real_ip_header: 'X-Real-IP', allow_ip_spoofing: true });
    const families: number[] = [];
    served.logic.onScrape = (request) => {
      families.push(request.family);
    };
    const target = `/scrape?info_hash=${INFOHASH}`;
    await roundTrip(served.port, get(target));
    await roundTrip(served.port, get(target, 'X-Real-IP: 2001:db8::1'));
    await roundTrip(served.port, get(`${target}&ip=2001:db8::1`));
    await roundTrip(served.port, get(target, 'X-Real-IP: ::ffff:192.0.2.1'));
    expect(families).toEqual([4, 6, 6, 4]);
  });

  test.each([
    ['', 'no info_hash parameter supplied'],
    ['info_hash=short', 'provided invalid infohash'],
    [`info_hash=${INFOHASH}&info_hash=short`, 'provided invalid infohash'],
    [`info_hash=${INFOHASH}&x=%2`, 'invalid query escape'],
  ])('?%s fails', async (query, reason) => {
    served = await serve();
    expect(await scrape(query)).toBe(failure(reason));
  });
});

/** The announce with one parameter changed; `undefined` leaves it out. */
function withParameter(name: string, value: string | undefined): string {
  const pairs = QUERY.split('&').filter((pair) => !pair.startsWith(`${name}=`));
  if (value !== undefined) pairs.push(`${name}=${value}`);
  return pairs.join('&');
}

describe('failures of an announce', () => {
  test.each([
    ['info_hash', undefined, 'no info_hash parameter supplied'],
    ['info_hash', '', 'provided invalid infohash'],
    ['info_hash', 'a'.repeat(19), 'provided invalid infohash'],
    ['info_hash', 'a'.repeat(21), 'provided invalid infohash'],
    ['info_hash', `${INFOHASH}&info_hash=${INFOHASH}`, 'multiple info_hash parameters supplied'],
    ['peer_id', undefined, 'failed to parse parameter: peer_id'],
    ['peer_id', '', 'failed to provide valid peer_id'],
    ['peer_id', 'short', 'failed to provide valid peer_id'],
    ['left', undefined, 'failed to parse parameter: left'],
    ['left', '-1', 'failed to parse parameter: left'],
    ['downloaded', undefined, 'failed to parse parameter: downloaded'],
    ['downloaded', '18446744073709551616', 'failed to parse parameter: downloaded'],
    ['uploaded', undefined, 'failed to parse parameter: uploaded'],
    ['uploaded', '1e3', 'failed to parse parameter: uploaded'],
    ['port', undefined, 'failed to parse parameter: port'],
    ['port', '65536', 'failed to parse parameter: port'],
    ['port', '4294967297', 'failed to parse parameter: port'],
    ['port', '18446744073709551617', 'failed to parse parameter: port'],
    ['port', '+1', 'failed to parse parameter: port'],
    ['port', '%2B1', 'failed to parse parameter: port'],
    ['port', '1%20', 'failed to parse parameter: port'],
    ['port', '0', 'invalid port'],
    ['event', 'begun', 'failed to provide valid client event'],
    ['event', 'a'.repeat(500), 'failed to provide valid client event'],
    ['numwant', '', 'failed to parse parameter: numwant'],
    ['numwant', '-1', 'failed to parse parameter: numwant'],
    ['numwant', '4294967296', 'failed to parse parameter: numwant'],
    ['x', '%', 'invalid query escape'],
    ['x', '%4', 'invalid query escape'],
    ['x', '%4&y', 'invalid query escape'],
    ['x', '%gg', 'invalid query escape'],
    ['%zz', '1', 'invalid query escape'],
  ])('%s=%s', async (name, value, reason) => {
    served = await serve();
    expect(await announce(withParameter(name, value))).toBe(failure(reason));
    expect(served.logic.calls).toEqual([]);
  });

  test('the order of the checks: each mistake hides those after it', async () => {
    served = await serve({ enable_keepalive: true, allow_ip_spoofing: true });
    const wrong: [name: string, wrong: string, right: string, reason: string][] = [
      ['x', '%', '', 'invalid query escape'],
      ['info_hash', 'a', INFOHASH, 'provided invalid infohash'],
      ['peer_id', 'a', PEER_ID, 'failed to provide valid peer_id'],
      ['left', 'a', '1', 'failed to parse parameter: left'],
      ['downloaded', 'a', '1', 'failed to parse parameter: downloaded'],
      ['uploaded', 'a', '1', 'failed to parse parameter: uploaded'],
      ['port', 'a', '0', 'failed to parse parameter: port'],
      ['event', 'a', 'none', 'failed to provide valid client event'],
      ['numwant', 'a', '1', 'failed to parse parameter: numwant'],
      ['ip', 'a', '192.0.2.1', 'failed to parse peer IP address'],
    ];
    const client = await RawClient.tcp(served.port);
    const reasons: string[] = [];
    for (let correct = 0; correct <= wrong.length; correct++) {
      const query = wrong
        .map(([name, bad, good], i) => `${name}=${i < correct ? good : bad}`)
        .reverse()
        .join('&');
      client.write(get(`/announce?${query}`));
      const text = await client.answers(correct + 1);
      reasons.push(/failure reason\d+:(.*)e$/s.exec(text.slice(text.lastIndexOf('d14:')))?.[1] ?? '');
    }
    expect(reasons).toEqual([...wrong.map(([, , , reason]) => reason), 'invalid port']);
    client.close();
  });

  test('a ClientError may say more than ASCII and more than a line', async () => {
    const reason = `käse ${'x'.repeat(20_000)}`;
    const error = new ClientError(reason);
    served = await serve();
    served.logic.onAnnounce = () => {
      throw error;
    };
    const bytes = Buffer.from(reason);
    expect(await announce(QUERY)).toBe(
      ok(`d14:failure reason${bytes.length}:${bytes.toString('latin1')}e`, 'close'),
    );
  });

  test.each([
    [5, 'd14:failure reason14:over the limit8:retry ini5ee'],
    ['never' as const, 'd14:failure reason14:over the limit8:retry in5:nevere'],
  ])(
    'a ClientError may ask to be asked again in %s minutes, announces and scrapes alike',
    async (retryIn, text) => {
      const error = new ClientError('over the limit', { retryIn });
      served = await serve();
      served.logic.onAnnounce = () => Promise.reject(error);
      served.logic.onScrape = () => {
        throw error;
      };
      // Told twice: the second time it is not encoded again.
      for (let i = 0; i < 2; i++) {
        expect(await announce(QUERY)).toBe(ok(text, 'close'));
        expect(await scrape(`info_hash=${INFOHASH}`)).toBe(ok(text, 'close'));
      }
    },
  );

  test('port 65535, numwant 2^32 - 1 and the largest counters are good', async () => {
    served = await serve();
    const seen: unknown[] = [];
    served.logic.onAnnounce = (request: AnnounceRequest) => {
      seen.push(request.peer.port, request.numwant, request.left, request.uploaded);
    };
    const query =
      'port=65535&numwant=4294967295&left=18446744073709551615&uploaded=000000000000000000000000000000001';
    await announce(`${QUERY}&${query}`);
    expect(seen).toEqual([65535, 100, 0xffff_ffff_ffff_ffffn, 1n]);
  });

  test.each(['', 'none', 'EMPTY', 'paused', 'Started', 'stopped', 'completed'])(
    'event=%s is good',
    async (event) => {
      served = await serve();
      expect(await announce(`${QUERY}&event=${event}`)).toBe(ok(COMPACT_BODY, 'close'));
    },
  );
});

describe('routes', () => {
  test('paths that are not configured', async () => {
    served = await serve();
    for (const path of ['/', '/announce/', '/announces', '/Announce', '/scrap', '//announce']) {
      expect(await roundTrip(served.port, get(path))).toBe(status('404 Not Found'));
    }
  });

  test('a broken escape in a parameter', async () => {
    served = await serve({ announce_routes: ['/:passkey/announce'] });
    expect(await roundTrip(served.port, get(`/a%2/announce?${QUERY}`))).toBe(status('400 Bad Request'));
  });

  test('an absolute target', async () => {
    served = await serve();
    for (const target of ['http://tracker.example/announce', 'HTTPS://[::1]:80/announce']) {
      expect(await roundTrip(served.port, get(`${target}?${QUERY}`))).toBe(ok(COMPACT_BODY, 'close'));
    }
    for (const target of ['http://tracker.example', 'http://tracker.example?x']) {
      expect(await roundTrip(served.port, get(target))).toBe(status('404 Not Found'));
    }
    for (const target of [
      'ftp://tracker.example/announce',
      'http:/announce',
      'http:///announce',
      'announce',
      '*',
    ]) {
      expect(await roundTrip(served.port, get(target))).toBe(status('400 Bad Request'));
    }
  });
});
