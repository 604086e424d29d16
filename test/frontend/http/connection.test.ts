/** Connections: how requests may come in, in which order answers leave, and what is refused. */

import { afterEach, describe, expect, test } from 'vitest';
import {
  COMPACT_BODY,
  failure,
  get,
  INFOHASH,
  nextRound,
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

const REQUEST = get(`/announce?${QUERY}`);

/** An announce that can be told from others by its port, and the answer to it. */
function numbered(port: number): { request: string; answer: string } {
  const bytes = String.fromCharCode(port >> 8, port & 0xff);
  return {
    request: get(`/announce?${QUERY.replace('port=6881', `port=${port}`)}`),
    answer: ok(COMPACT_BODY.replaceAll('\x1a\xe1', bytes)),
  };
}

describe('keep-alive', () => {
  test('off: one answer, then the connection is closed', async () => {
    served = await serve();
    expect(await roundTrip(served.port, REQUEST)).toBe(ok(COMPACT_BODY, 'close'));
    expect(await roundTrip(served.port, REQUEST + REQUEST)).toBe(ok(COMPACT_BODY, 'close'));
    expect(await roundTrip(served.port, get(`/announce?${QUERY}`, 'Connection: keep-alive'))).toBe(
      ok(COMPACT_BODY, 'close'),
    );
  });

  test('on: requests one after the other, until the client has enough', async () => {
    served = await serve({ enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    for (let i = 1; i <= 5; i++) {
      client.write(REQUEST);
      expect(await client.answers(i)).toBe(ok(COMPACT_BODY).repeat(i));
    }
    client.write(get(`/announce?${QUERY}`, 'connection: x, CLOSE , y'));
    expect(await client.end()).toBe(ok(COMPACT_BODY).repeat(5) + ok(COMPACT_BODY, 'close'));
  });

  test.each([
    ['', 'close'],
    ['Connection: keep-alive\r\n', 'keep-alive'],
    ['Connection: Keep-Alive, TE\r\n', 'keep-alive'],
    ['Connection: keep-alive\r\nConnection: close\r\n', 'close'],
  ] as const)('HTTP/1.0 with %j', async (fields, connection) => {
    served = await serve({ enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    client.write(`GET /announce?${QUERY} HTTP/1.0\r\n${fields}\r\n`);
    expect(await client.answers(1)).toBe(ok(COMPACT_BODY, connection));
    if (connection === 'close') await client.end();
    else {
      client.write(`GET /announce?${QUERY} HTTP/1.0\r\n\r\n`);
      expect(await client.end()).toBe(ok(COMPACT_BODY, 'keep-alive') + ok(COMPACT_BODY, 'close'));
    }
  });

  test('404 and 405 keep it; failures keep it', async () => {
    served = await serve({ enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    client.write(get('/nowhere') + get('/announce') + REQUEST.replace('GET', 'DELETE') + REQUEST);
    expect(await client.answers(4)).toBe(
      status('404 Not Found', '') +
        ok('d14:failure reason31:no info_hash parameter suppliede') +
        status('405 Method Not Allowed', '', 'Allow: GET, HEAD\r\n') +
        ok(COMPACT_BODY),
    );
    client.close();
  });

  test('a client that has ended its side still gets its answers, asynchronous ones too', async () => {
    served = await serve({ enable_keepalive: true });
    for (const wait of [false, true]) {
      served.logic.onAnnounce = () => (wait ? nextRound() : undefined);
      const client = await RawClient.tcp(served.port);
      client.socket.end(REQUEST + REQUEST);
      const text = await client.end();
      expect(text.replace('Connection: close\r\n', '')).toBe(ok(COMPACT_BODY).repeat(2));
    }
  });
});

describe('HEAD', () => {
  test('the head of the answer to GET, without its body', async () => {
    served = await serve({ enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    client.write(
      REQUEST.replace('GET', 'HEAD') +
        get('/x').replace('GET', 'HEAD') +
        get('/announce', 'Connection: close').replace('GET', 'HEAD'),
    );
    expect(await client.end()).toBe(
      ok(COMPACT_BODY).slice(0, -COMPACT_BODY.length) +
        status('404 Not Found', '').replace(/\n[^\n]*\n$/, '\n') +
        failure('no info_hash parameter supplied').replace(/d14.*$/, ''),
    );
  });
});

describe('requests in pieces', () => {
  test('split at every byte', async () => {
    served = await serve({ enable_keepalive: true });
    const request = `\r\n${get(`/announce?${QUERY}`, 'X-Long: \t some thing \t')}`;
    const client = await RawClient.tcp(served.port);
    for (let at = 1; at < request.length; at++) {
      client.write(request.slice(0, at));
      await nextRound();
      client.write(request.slice(at));
      const text = await client.answers(1);
      expect(text).toBe(ok(COMPACT_BODY));
      client.clear();
    }
    client.close();
  });

  test('two requests, split at every byte of both', async () => {
    served = await serve({ enable_keepalive: true });
    const [first, second] = [numbered(1), numbered(2)];
    const bytes = first.request + second.request;
    const client = await RawClient.tcp(served.port);
    for (let at = 1; at < bytes.length; at++) {
      client.write(bytes.slice(0, at));
      await nextRound();
      client.write(bytes.slice(at));
      expect(await client.answers(2)).toBe(first.answer + second.answer);
      client.clear();
    }
    client.close();
  });

  test('byte by byte', async () => {
    served = await serve();
    const client = await RawClient.tcp(served.port);
    for (const byte of REQUEST) {
      client.write(byte);
      await nextRound();
    }
    expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
  });
});

describe('pipelining', () => {
  const PIPELINED = Array.from({ length: 50 }, (_, i) => numbered(1000 + i));
  const requests = PIPELINED.map(({ request }) => request).join('');
  const answers = PIPELINED.map(({ answer }) => answer).join('');

  test('50 requests in one write', async () => {
    served = await serve({ enable_keepalive: true });
    const client = await RawClient.tcp(served.port);
    client.write(requests);
    expect(await client.answers(50)).toBe(answers);
    client.close();
  });

  test('50 requests that each wait, the first longest: answers in order, one handled at a time', async () => {
    served = await serve({ enable_keepalive: true });
    let waiting = 0;
    let most = 0;
    served.logic.onAnnounce = async (request) => {
      most = Math.max(most, ++waiting);
      for (let i = request.peer.port; i < 1050; i += 7) await nextRound();
      waiting--;
    };
    const client = await RawClient.tcp(served.port);
    client.write(requests);
    expect(await client.answers(50)).toBe(answers);
    expect(most).toBe(1);
    expect(served.logic.calls).toEqual(Array(50).fill(['handle', 'after']).flat());
    client.close();
  });

  test('some wait, some do not', async () => {
    served = await serve({ enable_keepalive: true });
    served.logic.onAnnounce = (request) => (request.peer.port % 3 === 0 ? Promise.resolve() : undefined);
    const client = await RawClient.tcp(served.port);
    for (let at = 0; at < requests.length; at += 777) {
      client.write(requests.slice(at, at + 777));
      await nextRound();
    }
    expect(await client.answers(50)).toBe(answers);
    client.close();
  });

  test('what a request that waits knows is not overwritten by others', async () => {
    served = await serve({ enable_keepalive: true });
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let seen = '';
    served.logic.onAnnounce = async (request) => {
      if (request.peer.port !== 1) return;
      await released;
      seen = `${request.peer.port} ${request.params.get('port')} ${request.params.path} ${request.infohash.hex}`;
    };
    const slow = await RawClient.tcp(served.port);
    slow.write(numbered(1).request);
    const quick = await RawClient.tcp(served.port);
    for (let i = 1; i <= 20; i++) {
      quick.write(
        get(
          `/announce?info_hash=${'%aa'.repeat(20)}&peer_id=${PEER_ID}&left=0&downloaded=0&uploaded=0&port=2`,
        ),
      );
      await quick.answers(i);
    }
    release();
    expect(await slow.answers(1)).toBe(numbered(1).answer);
    expect(seen).toBe('1 1 /announce 00ff263d3b6162636465666768696a6b6c6d6e6f');
    slow.close();
    quick.close();
  });

  test('while a request waits, what is held of the connection is bounded', async () => {
    served = await serve({ enable_keepalive: true });
    served.logic.onAnnounce = () => new Promise(() => {});
    const client = await RawClient.tcp(served.port);
    const total = 50_000_000;
    client.write(REQUEST.repeat(Math.ceil(total / REQUEST.length)));
    // The system's buffers take some megabytes. What is left stays with the client, however long it waits.
    let left = total;
    let unchanged = 0;
    await expect
      .poll(
        () => {
          unchanged = client.socket.writableLength === left ? unchanged + 1 : 0;
          left = client.socket.writableLength;
          return unchanged;
        },
        { interval: 10 },
      )
      .toBeGreaterThan(10);
    expect(left).toBeGreaterThan(total / 2);
    expect(served.logic.calls).toEqual(['handle']);
    client.close();
    // Nothing will settle that request: stopping must not be waited for.
    served = await serve();
  });
});

describe('refused with 400 and closed', () => {
  const HEAD = `GET /announce?${QUERY} HTTP/1.1\r\nHost: x\r\n`;
  test.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00'],
    ['HTTP/0.9', 'GET /announce\r\n'],
    ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['another protocol', 'GET /announce HTTQ/1.1\r\nHost: x\r\n\r\n'],
    ['lower-case version', 'GET /announce http/1.1\r\nHost: x\r\n\r\n'],
    ['version with letters', 'GET /announce HTTP/1.x\r\nHost: x\r\n\r\n'],
    ['two spaces', 'GET  /announce HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['space in the target', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['tab in the target', 'GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['space before the method', ' GET /announce HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['no target', 'GET HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['empty target', 'GET  HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['lone LF', `${HEAD.replaceAll('\r\n', '\n')}\n`],
    ['lone LF at the end of a field', `${HEAD}X: y\n\r\n`],
    ['bare CR', `${HEAD}X: a\rb\r\n\r\n`],
    ['bare CR at the end', `${HEAD}X: a\r\r\n\r\n`],
    ['NUL in a value', `${HEAD}X: a\0b\r\n\r\n`],
    ['NUL in the target', 'GET /announce\0 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['DEL in a value', `${HEAD}X: a\x7fb\r\n\r\n`],
    ['folded line', `${HEAD}X: a\r\n b\r\n\r\n`],
    ['space before the first field', 'GET /announce HTTP/1.1\r\n Host: x\r\n\r\n'],
    ['space before the colon', `${HEAD}X : a\r\n\r\n`],
    ['space before the colon of a length', `${HEAD}Content-Length : 5\r\n\r\n`],
    ['no colon', `${HEAD}X\r\n\r\n`],
    ['no name', `${HEAD}: a\r\n\r\n`],
    ['name with a bracket', `${HEAD}X(a): b\r\n\r\n`],
    ['name with a high byte', `${HEAD}X\xe9: b\r\n\r\n`],
    ['no Host', 'GET /announce HTTP/1.1\r\n\r\n'],
    ['two Hosts', `${HEAD}Host: y\r\n\r\n`],
    ['two Hosts in HTTP/1.0', 'GET /announce HTTP/1.0\r\nHost: x\r\nhost: x\r\n\r\n'],
    ['a body', `${HEAD}Content-Length: 5\r\n\r\nhello`],
    ['a body with a sign', `${HEAD}Content-Length: +0\r\n\r\n`],
    ['an empty length', `${HEAD}Content-Length:\r\n\r\n`],
    ['two lengths', `${HEAD}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`],
    ['a list of lengths', `${HEAD}Content-Length: 0, 5\r\n\r\n`],
    ['chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks, hidden', `${HEAD}Content-Length: 0\r\ntransfer-encoding: xchunked\r\n\r\n`],
  ])('%s', async (_, bytes) => {
    served = await serve({ enable_keepalive: true });
    // The request behind it must not be served: it may be part of the body of the one before.
    const expected = status('400 Bad Request');
    expect(await roundTrip(served.port, bytes)).toBe(expected);
    expect(await roundTrip(served.port, bytes + REQUEST)).toBe(expected);
    expect(served.logic.calls).toEqual([]);
  });

  test('after good requests: they are answered first', async () => {
    served = await serve({ enable_keepalive: true });
    expect(await roundTrip(served.port, `${REQUEST}${REQUEST}\0${REQUEST}`)).toBe(
      ok(COMPACT_BODY).repeat(2) + status('400 Bad Request'),
    );
  });

  test('other methods: 405, and closed where a body follows', async () => {
    served = await serve({ enable_keepalive: true });
    expect(
      await roundTrip(
        served.port,
        `POST /announce HTTP/1.1\r\nHost: x\r\nContent-Length: ${REQUEST.length}\r\n\r\n${REQUEST}`,
      ),
    ).toBe(status('405 Method Not Allowed', 'close', 'Allow: GET, HEAD\r\n'));
    expect(await roundTrip(served.port, 'OPTIONS * HTTP/1.0\r\n\r\n')).toBe(
      status('405 Method Not Allowed', 'close', 'Allow: GET, HEAD\r\n'),
    );
    expect(served.logic.calls).toEqual([]);
  });

  test('the answer arrives though much was sent behind the mistake', async () => {
    served = await serve();
    const client = await RawClient.tcp(served.port);
    client.write(Buffer.concat([Buffer.from('\0'), Buffer.alloc(3_000_000, 'x')]));
    client.socket.end();
    expect(await client.end()).toBe(status('400 Bad Request'));
  });
});

describe('accepted', () => {
  const HEAD = `GET /announce?${QUERY} HTTP/1.1\r\n`;
  test.each([
    ['an empty Host', `${HEAD}Host:\r\n\r\n`],
    ['no space after the colon', `${HEAD}host:x\r\n\r\n`],
    ['a length of 0', `${HEAD}Host: x\r\nContent-Length: 0\r\n\r\n`],
    ['an empty value', `${HEAD}Host: x\r\nX:\r\n\r\n`],
    ['high bytes in a value', `${HEAD}Host: x\r\nUser-Agent: caf\xe9\r\n\r\n`],
    ['high bytes in the query', `${HEAD.replace(' HTTP', '&x=\xe9 HTTP')}Host: x\r\n\r\n`],
    ['raw bytes in the infohash', `${HEAD.replace(INFOHASH, '\xff\xfe"<>abcdefghijklmno')}Host: x\r\n\r\n`],
    ['empty lines before it', `\r\n\r\n${HEAD}Host: x\r\n\r\n`],
    ['HTTP/1.7', `${HEAD.replace('1.1', '1.7')}Host: x\r\n\r\n`],
    ['HTTP/1.0 without Host', `${HEAD.replace('1.1', '1.0')}\r\n`],
    ['semicolons', `${HEAD.replaceAll('&', ';')}Host: x\r\n\r\n`],
  ])('%s', async (_, bytes) => {
    served = await serve();
    expect(await roundTrip(served.port, bytes)).toBe(ok(COMPACT_BODY, 'close'));
  });
});

describe('heads of 16 KiB', () => {
  const start = `GET /announce?${QUERY}&x=`;
  const end = ' HTTP/1.1\r\nHost: x\r\n\r\n';
  const sized = (size: number) => start + 'x'.repeat(size - start.length - end.length) + end;

  test('exactly 16 KiB are served, in one piece and in many', async () => {
    served = await serve();
    const request = sized(16_384);
    expect(await roundTrip(served.port, request)).toBe(ok(COMPACT_BODY, 'close'));
    const client = await RawClient.tcp(served.port);
    for (let at = 0; at < request.length; at += 1000) {
      client.write(request.slice(at, at + 1000));
      await nextRound();
    }
    expect(await client.end()).toBe(ok(COMPACT_BODY, 'close'));
  });

  test.each([
    ['a byte more', sized(16_385)],
    ['an endless request line', `GET /${'x'.repeat(50_000)}`],
    ['an endless field', `GET / HTTP/1.1\r\nX: ${'x'.repeat(50_000)}`],
    ['endless fields', `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(10_000)}`],
    ['endless empty lines', '\r\n'.repeat(20_000)],
  ])('%s: 431', async (_, bytes) => {
    served = await serve();
    expect(await roundTrip(served.port, bytes)).toBe(status('431 Request Header Fields Too Large'));
  });
});

describe('clients that vanish', () => {
  test('in the middle of a head, before an answer, before a promise settles', async () => {
    served = await serve({ enable_keepalive: true });
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    served.logic.onAnnounce = (request) => (request.peer.port === 7 ? released : undefined);
    for (let i = 0; i < 30; i++) {
      const client = await RawClient.tcp(served.port);
      client.write([REQUEST.slice(0, 40), REQUEST.repeat(20), numbered(7).request][i % 3] as string);
      client.socket.resetAndDestroy();
      await client.closed;
    }
    release();
    expect(await roundTrip(served.port, get(`/announce?${QUERY}`, 'Connection: close'))).toBe(
      ok(COMPACT_BODY, 'close'),
    );
  });

  test('an announce whose client did not wait for the answer counts', async () => {
    served = await serve();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    served.logic.onAnnounce = () => released;
    const client = await RawClient.tcp(served.port);
    client.write(REQUEST);
    await expect.poll(() => served.logic.calls).toEqual(['handle']);
    client.socket.resetAndDestroy();
    const open = served.metrics.find(({ name }) => name === 'chihaya_http_connections');
    await expect.poll(() => open?.collect()[0]?.value).toBe(0);
    release();
    await expect.poll(() => served.logic.calls).toEqual(['handle', 'after']);
  });
});
