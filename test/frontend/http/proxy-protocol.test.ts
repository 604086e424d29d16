/** PROXY headers, byte by byte: the specification's two versions, and what is neither. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readProxyHeader } from '../../../src/frontend/http/proxy-protocol.ts';
import { formatIp } from '../../../src/pkg/ip-address.ts';
import { hex, TCP4, TCP6, UNKNOWN, V2_INET, V2_INET_TLVS, V2_INET6, V2_LOCAL } from './proxy-headers.ts';

/** Its length and the address, if it has one; or what is wrong. */
function read(bytes: Buffer): string {
  const header = readProxyHeader(bytes);
  if (typeof header === 'string') return header;
  const { length, source } = header;
  return `${length} ${source ? formatIp(source, 0, source.length) : 'nobody'}`;
}

const line = (text: string) => Buffer.from(text, 'latin1');
const GROUPS = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
const SIGNATURE = '0d0a0d0a000d0a515549540a';

const good: [name: string, header: Buffer, expected: string][] = [
  ['TCP4', TCP4, '45 192.0.2.1'],
  [
    'the longest TCP4',
    line('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    '56 255.255.255.255',
  ],
  ['TCP6', TCP6, '46 2001:db8::1'],
  ['the longest TCP6', line(`PROXY TCP6 ${GROUPS} ${GROUPS} 65535 65535\r\n`), `104 ${GROUPS}`],
  ['TCP6 in capitals', line('PROXY TCP6 2001:DB8::AB ::1 0 65535\r\n'), '37 2001:db8::ab'],
  ['TCP6, which is IPv4', line('PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n'), '37 192.0.2.1'],
  ['UNKNOWN', UNKNOWN, '15 nobody'],
  ['UNKNOWN with what is to be ignored', line('PROXY UNKNOWN x  \0 y \r\n'), '23 nobody'],
  ['the longest UNKNOWN', line(`PROXY UNKNOWN ${GROUPS} ${GROUPS} 65535 65535\r\n`), '107 nobody'],
  ['version 2, IPv4', V2_INET, '28 192.0.2.1'],
  ['version 2, IPv4, with TLVs', V2_INET_TLVS, '38 192.0.2.1'],
  ['version 2, IPv6', V2_INET6, '52 2001:db8::1'],
  [
    'version 2, IPv6, which is IPv4',
    hex(
      `${SIGNATURE} 21 21 0024 00000000000000000000ffffc0000201 00000000000000000000ffffc6336401 dc04 01bb`,
    ),
    '52 192.0.2.1',
  ],
  ['version 2, LOCAL', V2_LOCAL, '16 nobody'],
  ['version 2, LOCAL with a family and bytes', hex(`${SIGNATURE} 20 f7 0003 010203`), '19 nobody'],
  ['version 2, no family', hex(`${SIGNATURE} 21 00 0000`), '16 nobody'],
  ['version 2, UDP', hex(`${SIGNATURE} 21 12 000c c0000201 c6336401 dc04 01bb`), '28 nobody'],
  ['version 2, a unix socket', hex(`${SIGNATURE} 21 31 00d8 ${'00'.repeat(216)}`), '232 nobody'],
];

describe('headers', () => {
  test.each(good)('%s', (_, header, expected) => {
    expect(read(header)).toBe(expected);
    expect(read(Buffer.concat([header, line('GET / HTTP/1.1\r\n\r\n')]))).toBe(expected);
    // What is decided, is decided by the first 107 bytes.
    expect(read(header.subarray(0, 107))).toBe(expected);
  });

  test.each(good)(
    '%s: incomplete until it is known how long it is, and whom it names',
    (_, header, expected) => {
      const needed =
        header[0] === 0x50 ? header.length : expected.endsWith('nobody') ? 16 : header[13] === 0x11 ? 28 : 52;
      for (let end = 0; end < needed; end++)
        expect([end, read(header.subarray(0, end))]).toEqual([end, 'incomplete']);
      for (let end = needed; end <= header.length; end++)
        expect(read(header.subarray(0, end))).toBe(expected);
    },
  );
});

describe('what begins like a header, and is none', () => {
  test.each([
    'PROXY\x20\r\n',
    'PROXY TCP4\r\n',
    'PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY UNKNOWN \r \r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n',
    'PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n',
    'PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.513 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP6 1::2::3 ::1 1 2\r\n',
    'PROXY TCP6 12345::1 ::1 1 2\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    `PROXY UNKNOWN ${'x'.repeat(93)}`,
  ])('%j', (text) => {
    expect(read(line(text))).toBe('malformed');
  });

  test.each([
    ['version 1', '11 11 000c c0000201 c6336401 dc04 01bb'],
    ['version 3', '31 11 000c c0000201 c6336401 dc04 01bb'],
    ['a command of its own', '22 11 000c c0000201 c6336401 dc04 01bb'],
    ['a family of its own', '21 41 000c c0000201 c6336401 dc04 01bb'],
    ['a protocol of its own', '21 13 000c c0000201 c6336401 dc04 01bb'],
    ['IPv4 without all of its ports', '21 11 000b c0000201 c6336401 dc04 01'],
    ['IPv6 in the room of IPv4', '21 21 000c c0000201 c6336401 dc04 01bb'],
  ])('%s', (_, bytes) => {
    expect(read(hex(SIGNATURE + bytes))).toBe('malformed');
  });
});

test.each([
  'GET /announce HTTP/1.1\r\n',
  'POST',
  'PROXX',
  'PROXY\r\n',
  'proxy TCP4',
  '\x16\x03\x01',
  '\r\n\r\n\r',
  '\0',
])('%j is no header, and that is known at once', (text) => {
  expect(read(line(text))).toBe('missing');
});

describe('properties', () => {
  const header = fc.constantFrom(...good.map(([, bytes]) => bytes));
  const damaged = fc
    .tuple(header, fc.nat(231), fc.nat(255))
    .map(([bytes, at, byte]) => Buffer.from(bytes.map((old, i) => (i === at ? byte : old))));
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const begun = fc
    .tuple(fc.constantFrom('PROXY ', 'PROXY TCP4 ', 'PROXY TCP6 ', '\r\n\r\n\0\r\nQUIT\n'), noise)
    .map(([start, rest]) => Buffer.concat([line(start), rest]));

  test('what was decided of fewer bytes is decided of more', () => {
    const seen: Record<string, number> = {};
    fc.assert(
      fc.property(fc.oneof(header, damaged, noise, begun), noise, (bytes, rest) => {
        const whole = Buffer.concat([bytes, rest]);
        const last = read(whole);
        let end = 0;
        while (end < whole.length && read(whole.subarray(0, end)) === 'incomplete') end++;
        expect(end).toBeLessThanOrEqual(107);
        for (; end <= whole.length; end++) expect(read(whole.subarray(0, end))).toBe(last);
        const kind = /^\d/.test(last) ? 'header' : last;
        seen[kind] = (seen[kind] ?? 0) + 1;
      }),
      { numRuns: 2000 },
    );
    // Of 2,000 some 900, 550 and 170.
    expect(seen.header).toBeGreaterThan(50);
    expect(seen.missing).toBeGreaterThan(50);
    expect(seen.malformed).toBeGreaterThan(50);
  });
});
