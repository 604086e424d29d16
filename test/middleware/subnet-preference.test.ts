import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressFamily, compactPeerLength } from '../../src/bittorrent/address-family.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { COMPACT_OFFSET, Peer } from '../../src/bittorrent/peer.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';
import { subnetPreferenceDriver } from '../../src/middleware/subnet-preference/driver.ts';
import { GroupMap } from '../../src/middleware/subnet-preference/group-map.ts';
import { Ipv4Prefixes } from '../../src/middleware/subnet-preference/ipv4-prefixes.ts';
import { Ipv6Prefixes } from '../../src/middleware/subnet-preference/ipv6-prefixes.ts';
import { formatIp } from '../../src/pkg/ip-address.ts';
import { describeHook } from '../conformance/hook.ts';
import { openHook } from '../support/open-hook.ts';
import { levelOf } from '../support/preferences.ts';
import { announce, responseTo } from '../support/requests.ts';

const RACKS = {
  'hall 1': ['10.1.0.0/16', '2001:db8:1::/48'],
  'hall 1/rack 1': ['10.1.1.0/24', '10.1.2.0/24', '2001:db8:1:1::/64'],
  'hall 1/rack 2': ['10.1.3.0/24'],
  'hall 2/rack 1': ['10.2.1.0/24'],
  'hall 2/rack 2': ['10.2.2.0/24', '10.1.1.128/25'],
  solo: ['192.0.2.7'],
};

describeHook(subnetPreferenceDriver, {
  valid: [
    {},
    { ipv4_prefixes: [24, 16], ipv6_prefixes: [64, 48] },
    { ipv4_prefixes: [8], ipv6_prefixes: [] },
    { ipv4_prefixes: [1, 32, 32], ipv6_prefixes: [1, 128] },
    { groups: RACKS },
    { groups: {}, ipv4_prefixes: [24] },
    { groups: { a: [], b: ['::ffff:10.0.0.0/104'] }, ipv4_prefixes: [] },
  ],
  invalid: [
    { options: { ipv4_prefixes: [0] }, path: 'ipv4_prefixes.0', message: 'from 1 to 32, found 0' },
    { options: { ipv4_prefixes: [24, 33] }, path: 'ipv4_prefixes.1', message: 'from 1 to 32, found 33' },
    { options: { ipv6_prefixes: [129] }, path: 'ipv6_prefixes.0', message: 'from 1 to 128, found 129' },
    {
      options: { ipv4_prefixes: [8.5] },
      path: 'ipv4_prefixes.0',
      message: 'whole number from 1 to 32, found 8.5',
    },
    { options: { ipv4_prefixes: ['/24'] }, path: 'ipv4_prefixes.0', message: 'found "/24"' },
    { options: { ipv4_prefixes: 24 }, path: 'ipv4_prefixes', message: 'expected a list, found 24' },
    {
      options: { ipv6_prefixes: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
      path: 'ipv6_prefixes',
      message: 'expected at most 8 entries, found 9',
    },
    { options: { groups: [] }, path: 'groups', message: 'expected a mapping, found a list' },
    { options: { groups: { a: '10.0.0.0/8' } }, path: 'groups.a', message: 'expected a list' },
    {
      options: { groups: { a: ['10.0.0.0/33'] } },
      path: 'groups.a.0',
      message: 'expected an address range such as 10.1.1.0/24 or 2001:db8:1::/64, found "10.0.0.0/33"',
    },
    { options: { groups: { a: [10] } }, path: 'groups.a.0', message: 'found 10' },
    {
      options: { groups: { 'a/': ['10.0.0.0/8'] } },
      path: 'groups.a/',
      message: 'expected a name such as "hall 1/rack 2", found "a/"',
    },
    {
      options: { groups: { 'a/b/c/d/e/f/g/h/i': ['10.0.0.0/8'] } },
      path: 'groups.a/b/c/d/e/f/g/h/i',
      message: 'expected at most 8 groups within each other, found 9',
    },
    {
      options: { groups: { a: ['10.0.0.0/8'], b: ['10.1.2.3/8'] } },
      path: 'groups.b.0',
      message: 'expected a range of one group, found "10.1.2.3/8", which is in "a" as well',
    },
  ],
});

function peerAt(address: string): Peer {
  return announce({ address }).peer;
}

describe('subnet preference', () => {
  const preference = async (options: object, address: string): Promise<PeerPreference | undefined> => {
    const { hook } = await openHook(subnetPreferenceDriver, options);
    const request = announce({ address });
    const context = new RequestContext();
    hook.handleAnnounce(context, request, responseTo(request));
    return context.peerPreference;
  };
  const level = async (options: object, announcer: string, candidate: string): Promise<number | 'none'> => {
    const own = await preference(options, announcer);
    if (!own) return 'none';
    const found = levelOf(own, peerAt(announcer), peerAt(candidate));
    return found === own.levels ? 'none' : found;
  };

  it.each([
    [{}, '10.1.2.3', '10.1.2.200', 0],
    [{}, '10.1.2.3', '10.1.2.3', 0],
    [{}, '10.1.2.3', '10.1.3.3', 1],
    [{}, '10.1.2.3', '10.2.2.3', 'none'],
    [{}, '2001:db8:1:2::3', '2001:db8:1:2:ffff::', 0],
    [{}, '2001:db8:1:2::3', '2001:db8:1:3::3', 1],
    [{}, '2001:db8:1:2::3', '2001:db8:2:2::3', 'none'],
    [{ ipv4_prefixes: [8, 25, 32] }, '10.1.2.3', '10.1.2.3', 0],
    [{ ipv4_prefixes: [8, 25, 32] }, '10.1.2.3', '10.1.2.127', 1],
    [{ ipv4_prefixes: [8, 25, 32] }, '10.1.2.3', '10.1.2.128', 2],
    [{ ipv4_prefixes: [8, 25, 32] }, '10.1.2.3', '11.1.2.3', 'none'],
    [{ ipv4_prefixes: [1] }, '10.1.2.3', '127.255.255.255', 0],
    [{ ipv4_prefixes: [1] }, '10.1.2.3', '128.0.0.0', 'none'],
    [{ ipv6_prefixes: [128, 127] }, '2001:db8::2', '2001:db8::2', 0],
    [{ ipv6_prefixes: [128, 127] }, '2001:db8::2', '2001:db8::3', 1],
    [{ ipv6_prefixes: [128, 127] }, '2001:db8::2', '2001:db8::4', 'none'],
    [{ groups: RACKS }, '10.1.1.1', '10.1.2.9', 0],
    [{ groups: RACKS }, '10.1.1.1', '10.1.3.9', 1],
    [{ groups: RACKS }, '10.1.1.1', '10.1.77.9', 1],
    [{ groups: RACKS }, '10.1.1.1', '10.2.1.9', 'none'],
    [{ groups: RACKS }, '10.1.77.1', '10.1.1.1', 0],
    [{ groups: RACKS }, '10.1.77.1', '10.1.78.1', 0],
    [{ groups: RACKS }, '10.2.1.1', '10.2.2.1', 1],
    // The smallest range counts: half of a rack's is another rack's, in another hall.
    [{ groups: RACKS }, '10.1.1.127', '10.1.1.128', 'none'],
    [{ groups: RACKS }, '10.2.2.1', '10.1.1.128', 0],
    [{ groups: RACKS }, '10.1.1.128', '10.2.1.1', 1],
    [{ groups: RACKS }, '192.0.2.7', '192.0.2.7', 0],
    [{ groups: RACKS }, '192.0.2.7', '192.0.2.8', 'none'],
    // An announcer in no group goes by prefixes, whatever groups the others are in.
    [{ groups: RACKS }, '192.0.2.8', '192.0.2.7', 0],
    [{ groups: RACKS }, '10.3.1.1', '10.3.2.1', 1],
    [{ groups: RACKS, ipv4_prefixes: [8] }, '10.3.1.1', '10.1.1.1', 0],
    [{ groups: RACKS }, '2001:db8:1:1::1', '2001:db8:1:1:ffff:ffff:ffff:ffff', 0],
    [{ groups: RACKS }, '2001:db8:1:1::1', '2001:db8:1:2::', 1],
    [{ groups: RACKS }, '2001:db8:1:1::1', '2001:db8:2::', 'none'],
  ] as const)('%j: to %s the peer %s is on level %s', async (options, announcer, candidate, expected) => {
    expect(await level(options, announcer, candidate)).toBe(expected);
  });

  it.each([
    [{ ipv4_prefixes: [] }, '10.0.0.1'],
    [{ ipv6_prefixes: [] }, '2001:db8::1'],
    [{ groups: RACKS, ipv4_prefixes: [] }, '198.51.100.1'],
    [{ groups: RACKS, ipv6_prefixes: [] }, '2001:db9::1'],
    [{ groups: { a: ['10.0.0.0/8'] }, ipv6_prefixes: [] }, '2001:db9::1'],
  ])('%j leaves %s without a preference', async (options, address) => {
    expect(await preference(options, address)).toBeUndefined();
  });

  it('is the same object for every announcer of a prefix, or of a group: an announce makes none', async () => {
    const { hook } = await openHook(subnetPreferenceDriver, { groups: RACKS });
    const seen = ['10.1.1.1', '10.1.2.2', '10.1.3.3'].map((address) => {
      const context = new RequestContext();
      const request = announce({ address });
      hook.handleAnnounce(context, request, responseTo(request));
      return context.peerPreference;
    });
    expect(seen[0]).toBe(seen[1]);
    expect(seen[0]).not.toBe(seen[2]);
  });
});

const FAMILIES = [AddressFamily.IPv4, AddressFamily.IPv6] as const;
type Family = (typeof FAMILIES)[number];

/** Addresses that have much in common, as bits. */
function address(family: Family): fc.Arbitrary<string> {
  const bits = family === AddressFamily.IPv4 ? 32 : 128;
  return fc
    .tuple(
      fc.integer({ min: 0, max: bits }),
      fc.array(fc.constantFrom('0', '1'), { minLength: bits, maxLength: bits }),
    )
    .map(([shared, random]) => `${'10'.repeat(64).slice(0, shared)}${random.join('').slice(shared)}`);
}

function bytesOf(bits: string): Uint8Array {
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

function peerOf(bits: string): Peer {
  const peer = new Peer();
  peer.setAddress(bytesOf(bits), 0, bits.length / 8);
  peer.port = 1;
  return peer;
}

/** What `sift` says of candidates that lie somewhere in memory: their levels by index. */
function sifted(
  preference: PeerPreference,
  announcer: Peer,
  candidates: readonly string[],
  below: number,
): (number | undefined)[] {
  const width = compactPeerLength(announcer.family) / 2;
  const lead = 5;
  const compact = new Uint16Array(lead + candidates.length * width);
  for (const [i, bits] of candidates.entries()) {
    const { halfwords } = peerOf(bits);
    compact.set(halfwords.subarray(COMPACT_OFFSET / 2, COMPACT_OFFSET / 2 + width), lead + i * width);
  }
  const found = new Int32Array(2 * candidates.length);
  const count = preference.sift(announcer, compact, lead, candidates.length, below, found);
  const levels: (number | undefined)[] = candidates.map(() => undefined);
  for (let i = 0; i < count; i++) levels[found[2 * i] as number] = found[2 * i + 1];
  return levels;
}

describe.each(FAMILIES)('IPv%i, any addresses', (family) => {
  const bits = family === AddressFamily.IPv4 ? 32 : 128;
  const cases = { announcer: address(family), candidates: fc.array(address(family), { maxLength: 40 }) };

  it('prefixes agree with strings of bits', () => {
    const prefixes = fc.array(fc.integer({ min: 1, max: bits }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.record({ ...cases, prefixes, share: fc.double({ min: 0, max: 1, noNaN: true }) }),
        (c) => {
          const preference =
            family === AddressFamily.IPv4 ? new Ipv4Prefixes(c.prefixes) : new Ipv6Prefixes(c.prefixes);
          const lengths = [...new Set(c.prefixes)].sort((a, b) => b - a);
          expect(preference.levels).toBe(lengths.length);
          const below = Math.max(1, Math.ceil(c.share * lengths.length));
          const expected = c.candidates.map((candidate) => {
            const level = lengths.findIndex((n) => candidate.slice(0, n) === c.announcer.slice(0, n));
            return level >= 0 && level < below ? level : undefined;
          });
          expect(sifted(preference, peerOf(c.announcer), c.candidates, below)).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('groups agree with a search for the smallest range', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join('/'));
    const ranges = fc.uniqueArray(
      fc.record({ name, start: address(family), length: fc.integer({ min: 0, max: bits }) }),
      { maxLength: 12, selector: ({ start, length }) => start.slice(0, length) },
    );
    let grouped = 0;
    fc.assert(
      fc.property(fc.record({ ...cases, ranges }), (c) => {
        const groups: Record<string, string[]> = {};
        for (const range of c.ranges) {
          const text = `${formatIp(bytesOf(range.start), 0, bits / 8)}/${range.length}`;
          groups[range.name] = [...(groups[range.name] ?? []), text];
        }
        const groupOf = (address: string) =>
          c.ranges
            .filter(({ start, length }) => address.slice(0, length) === start.slice(0, length))
            .sort((a, b) => b.length - a.length)[0]
            ?.name.split('/');
        const announcer = peerOf(c.announcer);
        const preference = new GroupMap(groups, family).preferenceOf(announcer);
        const own = groupOf(c.announcer);
        expect(preference?.levels).toBe(own?.length);
        if (!preference || !own) return;
        grouped++;
        const expected = c.candidates.map((candidate) => {
          const theirs = groupOf(candidate) ?? [];
          let shared = 0;
          while (shared < own.length && own[shared] === theirs[shared]) shared++;
          return shared === 0 ? undefined : own.length - shared;
        });
        expect(sifted(preference, announcer, c.candidates, own.length)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
    expect(grouped).toBeGreaterThan(50);
  });
});
