/** Properties: numbers, queries, addresses and heads against oracles that are slow and plain; noise against all of it. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeAddress } from '../../../src/frontend/http/address-text.ts';
import { countDigits, writeDigits } from '../../../src/frontend/http/bencode.ts';
import { Decimal } from '../../../src/frontend/http/decimal.ts';
import { HeadStatus, RequestHead } from '../../../src/frontend/http/head-parser.ts';
import { Key, Query } from '../../../src/frontend/http/query.ts';
import { formatIp } from '../../../src/pkg/ip-address.ts';
import { COMPACT_BODY, get, ok, QUERY, RawClient, roundTrip, type Served, serve } from './support.ts';

describe('Decimal', () => {
  const decimal = new Decimal();
  const read = (text: string) => {
    const bytes = Buffer.from(text, 'latin1');
    if (!decimal.read(bytes, 0, bytes.length)) return undefined;
    return (BigInt(decimal.high) << 32n) | BigInt(decimal.low);
  };

  test('reads what BigInt reads, up to 64 bit', () => {
    const near = fc
      .tuple(fc.constantFrom(32n, 53n, 63n, 64n), fc.bigInt({ min: -3n, max: 3n }))
      .map(([bits, by]) => (1n << bits) + by);
    const value = fc.oneof(
      near,
      fc.bigInt({ min: 0n, max: 1n << 70n }),
      fc.bigInt({ min: 0n, max: 1n << 33n }),
    );
    fc.assert(
      fc.property(value, fc.nat(5), (number, zeros) => {
        expect(read('0'.repeat(zeros) + number)).toBe(number < 1n << 64n ? number : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  test('refuses all that is not digits', () => {
    const junk = fc.string({ unit: fc.constantFrom(...'0123456789+-. _eExX\0/:') });
    fc.assert(
      fc.property(junk, (text) => {
        expect(read(text) !== undefined).toBe(
          /^\d{1,19}$/.test(text) || (/^\d+$/.test(text) && BigInt(text) < 1n << 64n),
        );
      }),
      { numRuns: 2000 },
    );
  });
});

test('writeDigits writes what String writes', () => {
  const target = new Uint8Array(32);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.maxSafeNat(),
        fc.nat(100_000),
        fc.nat(9).map((k) => 10 ** k),
      ),
      (number) => {
        const end = writeDigits(target, 3, number);
        expect(Buffer.from(target.subarray(3, end)).toString()).toBe(String(number));
        expect(countDigits(number)).toBe(String(number).length);
      },
    ),
    { numRuns: 2000 },
  );
});

test('writeAddress writes what formatIp formats', () => {
  const target = new Uint8Array(64);
  const groups = fc.array(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.nat(0xffff) },
      { weight: 1, arbitrary: fc.nat(255) },
    ),
    {
      minLength: 8,
      maxLength: 8,
    },
  );
  const ipv6 = groups.map((words) => Uint8Array.from(words.flatMap((word) => [word >> 8, word & 255])));
  const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6), (bytes) => {
      const end = writeAddress(target, 5, bytes, 0, bytes.length);
      expect(Buffer.from(target.subarray(5, end)).toString()).toBe(formatIp(bytes, 0, bytes.length));
    }),
    { numRuns: 3000 },
  );
});

/** The parameters of a query as a reader of the specification would find them, in strings. */
function naiveQuery(text: string): { values: Map<string, string>; infohashes: string[] } | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const values = new Map<string, string>();
  const infohashes: string[] = [];
  const decoded = (part: string) =>
    part.replaceAll('+', ' ').replace(/%(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  for (const pair of text.split(/[&;]/)) {
    const [key = '', ...rest] = pair.split('=');
    if (decoded(key) === 'info_hash') infohashes.push(decoded(rest.join('=')));
    else
      values.set(
        decoded(key).replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
        decoded(rest.join('=')),
      );
  }
  return { values, infohashes };
}

describe('Query', () => {
  const query = new Query(16_384);
  const decimal = new Decimal();
  const names = [
    'peer_id',
    'left',
    'downloaded',
    'uploaded',
    'port',
    'event',
    'numwant',
    'compact',
    'ip',
    'ipv4',
    'ipv6',
  ];
  const keys = Object.values(Key);

  function check(text: string): 'broken' | 'read' {
    const bytes = Buffer.from(`??${text}&&`, 'latin1');
    const expected = naiveQuery(text);
    const read = query.read(bytes, 2, bytes.length - 2);
    expect(read).toBe(expected !== undefined);
    if (!expected) return 'broken';
    for (const [i, name] of names.entries()) {
      const text = expected.values.get(name);
      expect(query.text(keys[i] as Key)).toBe(text);
      const isNumber = text !== undefined && /^[0-9]+$/.test(text) && BigInt(text) < 1n << 64n;
      expect(query.number(keys[i] as Key, decimal)).toBe(isNumber);
      if (isNumber) expect((BigInt(decimal.high) << 32n) | BigInt(decimal.low)).toBe(BigInt(text));
    }
    const infohashes = Array.from({ length: query.infohashCount }, (_, i) => {
      const length = query.decodeInfohash(i);
      return Buffer.from(query.value.subarray(0, length)).toString('latin1');
    });
    expect(infohashes).toEqual(expected.infohashes);
    return 'read';
  }

  const name = fc
    .constantFrom(...names, 'info_hash', 'INFO_HASH', '', 'x', 'numwan', 'numwants', 'key', '__proto__')
    .chain((text) =>
      fc.tuple(fc.array(fc.nat(3), { minLength: text.length, maxLength: text.length }), fc.constant(text)),
    )
    .map(([how, text]) =>
      [...text]
        .map((letter, i) =>
          how[i] === 1
            ? letter.toUpperCase()
            : how[i] === 2
              ? `%${letter.charCodeAt(0).toString(16)}`
              : letter,
        )
        .join(''),
    );
  const piece = fc.constantFrom(
    ...'abz019=+%',
    '%00',
    '%fF',
    '%2b',
    '%26',
    '%3B',
    '%25',
    '%31',
    '%39',
    '\xe9',
    '/',
    '?',
    ' ',
  );
  const value = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const pair = fc.oneof(
    fc.tuple(name, value).map((parts) => parts.join('=')),
    name,
    value,
  );
  const text = fc
    .array(fc.tuple(pair, fc.constantFrom('&', ';', '&&')), { maxLength: 12 })
    .map((pairs) => pairs.flat().join(''));

  test('finds what the oracle finds', () => {
    const seen = { broken: 0, read: 0 };
    fc.assert(
      fc.property(text, (each) => {
        seen[check(each)]++;
      }),
      { numRuns: 5000 },
    );
    expect(seen.broken).toBeGreaterThan(200);
    expect(seen.read).toBeGreaterThan(200);
  });

  test('agrees with URLSearchParams where that knows the same rules', () => {
    const safe = fc.stringMatching(/^[A-Za-z0-9 +%&=;/]{0,20}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...names), safe)), (pairs) => {
        const parameters = new URLSearchParams(pairs);
        const bytes = Buffer.from(parameters.toString());
        expect(query.read(bytes, 0, bytes.length)).toBe(true);
        for (const [i, each] of names.entries()) {
          expect(query.text(keys[i] as Key)).toBe(parameters.getAll(each).at(-1));
        }
      }),
    );
  });

  test('a query of nothing but infohashes', () => {
    const bytes = Buffer.from('info_hash&'.repeat(1600));
    expect(query.read(bytes, 0, bytes.length)).toBe(true);
    expect(query.infohashCount).toBe(1600);
    expect(query.decodeInfohash(1599)).toBe(0);
  });
});

describe('RequestHead', () => {
  /** What a head says, or its status, when it is read in these pieces at these places. */
  function readIn(bytes: Buffer, cuts: readonly number[], offset: number): unknown {
    const head = new RequestHead('X-Real-IP');
    head.reset(offset);
    const held = Buffer.concat([Buffer.alloc(offset, 'z'), bytes]);
    let status: HeadStatus = HeadStatus.Incomplete;
    for (const cut of [...cuts].sort((a, b) => a - b)) {
      status = head.read(held, offset + Math.min(cut, bytes.length));
      if (status !== HeadStatus.Incomplete) break;
    }
    if (status === HeadStatus.Incomplete) status = head.read(held, held.length);
    if (status !== HeadStatus.Complete) return status;
    const { method, minorVersion, keepAlive, hasBody } = head;
    const range = (start: number, end: number) => held.toString('latin1', start, end);
    return {
      method,
      minorVersion,
      keepAlive,
      hasBody,
      path: range(head.pathStart, head.pathEnd),
      query: range(head.queryStart, head.queryEnd),
      rest: range(head.end, held.length),
      addresses: Array.from({ length: head.addressLineCount }, (_, i) =>
        range(head.addressLines[2 * i] as number, head.addressLines[2 * i + 1] as number),
      ),
    };
  }

  const line = fc.oneof(
    fc.constantFrom(
      'Host: x',
      'Connection: close',
      'Connection: keep-alive',
      'X-Real-IP: 192.0.2.1',
      'Content-Length: 3',
    ),
    fc.constantFrom('X', ': y', ' X: y', 'X : y', 'X: \0', 'X: a\rb', 'Transfer-Encoding: x'),
    fc.stringMatching(/^[A-Za-z-]{1,5}: [ -~]{0,20}$/),
  );
  const start = fc.constantFrom(
    'GET /a?b HTTP/1.1',
    'HEAD http://h/a?b?c HTTP/1.0',
    'POST /a HTTP/1.1',
    'GET /a HTTP/2.0',
    'GET /a',
    '',
  );
  const request = fc
    .tuple(
      start,
      fc.array(line, { maxLength: 5 }),
      fc.constantFrom('\r\n', '\r\n', '\r\n', '\n'),
      fc.string(),
    )
    .map(([first, lines, end, rest]) =>
      Buffer.from(`${[first, 'Host: h', ...lines].join(end)}${end}${end}${rest}`, 'latin1'),
    );

  test('says the same however the head is cut, wherever it stands', () => {
    let complete = 0;
    fc.assert(
      fc.property(request, fc.array(fc.nat(200), { maxLength: 8 }), fc.nat(50), (bytes, cuts, offset) => {
        const whole = readIn(bytes, [], 0);
        if (typeof whole === 'object') complete++;
        expect(readIn(bytes, cuts, offset)).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
    expect(complete).toBeGreaterThan(200);
  });
});

describe('noise', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve({ enable_keepalive: true, read_timeout: '2s', idle_timeout: '2s' });
  });
  afterAll(() => served.frontend.stop());

  test('random bytes are answered with 400, 431 or nothing, and others are served on', async () => {
    const good = get(`/announce?${QUERY}`);
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(good.length), fc.uint8Array({ minLength: 1, maxLength: 4 })).map(([at, bytes]) => {
        const damaged = Buffer.from(good, 'latin1');
        damaged.set(bytes.subarray(0, damaged.length - at), at);
        return new Uint8Array(damaged);
      }),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        const client = await RawClient.tcp(served.port);
        client.write(bytes);
        client.socket.end();
        const text = await client.end();
        expect(text).toMatch(/^(HTTP\/1\.1 (200|400|404|405|431) |$)/);
      }),
      { numRuns: 300 },
    );
    expect(await roundTrip(served.port, get(`/announce?${QUERY}`, 'Connection: close'))).toBe(
      ok(COMPACT_BODY, 'close'),
    );
  });
});
