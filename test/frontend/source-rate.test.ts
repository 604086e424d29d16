import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type SourceRate,
  type SourceRateOptions,
  sourceRate,
  unlimited,
} from '../../src/frontend/source-rate.ts';
import { parseIp } from '../../src/pkg/ip-address.ts';

const NOW = 1_767_225_600_000;
const SECOND = 1000;

function take(rate: SourceRate, source: string, now: number): boolean {
  const bytes = parseIp(source) as Uint8Array;
  return rate.take(bytes, 0, bytes.length, now);
}

/** How many of `count` requests at once are let in. */
function takeMany(rate: SourceRate, source: string, now: number, count: number): number {
  return Array.from({ length: count }, () => take(rate, source, now)).filter(Boolean).length;
}

const open = (options: SourceRateOptions, before = unlimited) => sourceRate(options, before);

describe('the rate of a source', () => {
  it('lets in as many at once as the burst has room for, then as many as the rate allows', () => {
    const rate = open({ rate: 2, burst: 3 * SECOND });
    expect(takeMany(rate, '192.0.2.1', NOW, 10)).toBe(6);
    expect(takeMany(rate, '192.0.2.1', NOW + 499, 10)).toBe(0);
    expect(takeMany(rate, '192.0.2.1', NOW + 500, 10)).toBe(1);
    expect(takeMany(rate, '192.0.2.1', NOW + 1500, 10)).toBe(2);
    expect(takeMany(rate, '192.0.2.1', NOW + 100 * SECOND, 10)).toBe(6);
  });

  it('lets in one at any rate, however short the burst', () => {
    const rate = open({ rate: 1, burst: 1 });
    expect(takeMany(rate, '192.0.2.1', NOW, 3)).toBe(1);
    expect(take(rate, '192.0.2.1', NOW + 999)).toBe(false);
    expect(take(rate, '192.0.2.1', NOW + 1000)).toBe(true);
  });

  it('is no less than asked for where a second cannot be divided', () => {
    const rate = open({ rate: 3, burst: 1 * SECOND });
    let taken = takeMany(rate, '192.0.2.1', NOW, 10);
    for (let ms = 1; ms <= 100_000; ms++) if (take(rate, '192.0.2.1', NOW + ms)) taken++;
    expect(taken).toBeGreaterThanOrEqual(303);
    expect(taken).toBeLessThanOrEqual(304);
  });

  it.each([
    ['192.0.2.1', '192.0.2.2'],
    ['192.0.2.1', '198.51.100.1'],
    ['2001:db8:1:1::1', '2001:db8:1:2::1'],
    ['::1', '0:0:0:1::1'],
    ['192.0.2.1', 'c000:201::'],
    ['0.0.0.0', '::'],
  ])('is one of %s and another of %s', (one, other) => {
    const rate = open({ rate: 1, burst: 2 * SECOND });
    expect(takeMany(rate, one, NOW, 3)).toBe(2);
    expect(takeMany(rate, other, NOW, 3)).toBe(2);
    expect(rate.known(NOW)).toBe(2);
    expect(rate.known(NOW + 2 * SECOND)).toBe(0);
  });

  it('is one of all addresses of an IPv6 network of 64 bits', () => {
    const rate = open({ rate: 1, burst: 2 * SECOND });
    expect(take(rate, '2001:db8:1:1::1', NOW)).toBe(true);
    expect(take(rate, '2001:db8:1:1:ffff:ffff:ffff:ffff', NOW)).toBe(true);
    expect(take(rate, '2001:db8:1:1:1234::', NOW)).toBe(false);
    expect(rate.known(NOW)).toBe(1);
  });

  it('reads the address where it is', () => {
    const rate = open({ rate: 1, burst: SECOND });
    const bytes = Uint8Array.of(9, 9, 192, 0, 2, 1, 9);
    expect(rate.take(bytes, 2, 4, NOW)).toBe(true);
    expect(take(rate, '192.0.2.1', NOW)).toBe(false);
  });

  it('goes on when the clock is set back', () => {
    const rate = open({ rate: 1, burst: 5 * SECOND });
    expect(takeMany(rate, '192.0.2.1', NOW, 10)).toBe(5);
    expect(takeMany(rate, '192.0.2.1', NOW - 3_600_000, 10)).toBe(5);
  });

  it('without a limit is none', () => {
    expect(open({ rate: 0, burst: SECOND }, open({ rate: 1, burst: SECOND }))).toBe(unlimited);
    expect(takeMany(unlimited, '192.0.2.1', NOW, 1000)).toBe(1000);
    expect(unlimited.known(NOW)).toBe(0);
  });

  it('that takes the place of another knows what its sources have sent', () => {
    const before = open({ rate: 1, burst: 5 * SECOND });
    expect(takeMany(before, '192.0.2.1', NOW, 3)).toBe(3);
    const wider = open({ rate: 1, burst: 10 * SECOND }, before);
    expect(takeMany(wider, '192.0.2.1', NOW, 20)).toBe(7);
    const faster = open({ rate: 100, burst: 20 * SECOND }, wider);
    expect(takeMany(faster, '192.0.2.1', NOW, 2000)).toBe(1000);
    // More than the new limit lets anybody owe is forgiven, not held against the source for minutes.
    const narrow = open({ rate: 1, burst: 2 * SECOND }, faster);
    expect(takeMany(narrow, '192.0.2.1', NOW, 20)).toBe(2);
  });
});

describe('a ban', () => {
  function banning() {
    let bans = 0;
    const rate = open({ rate: 1, burst: 2 * SECOND, ban: 10 * SECOND, onBan: () => bans++ });
    return { rate, bans: () => bans };
  }

  it('lasts for its time from the request that was too many, whatever comes meanwhile', () => {
    const { rate, bans } = banning();
    expect(takeMany(rate, '192.0.2.1', NOW, 2)).toBe(2);
    expect(bans()).toBe(0);
    for (let ms = 0; ms < 10 * SECOND; ms += 100) expect(take(rate, '192.0.2.1', NOW + ms)).toBe(false);
    expect(bans()).toBe(1);
    expect(takeMany(rate, '192.0.2.2', NOW, 3)).toBe(2);
    expect(bans()).toBe(2);
    expect(take(rate, '192.0.2.1', NOW + 11 * SECOND)).toBe(true);
    expect(bans()).toBe(2);
  });

  it('begins again for a source that goes on as before', () => {
    const { rate, bans } = banning();
    let taken = 0;
    for (let ms = 0; ms < 60 * SECOND; ms += 100) if (take(rate, '192.0.2.1', NOW + ms)) taken++;
    expect(taken).toBe(2);
    expect(bans()).toBe(6);
  });

  it('is over when a source is quiet for long enough', () => {
    const { rate } = banning();
    takeMany(rate, '192.0.2.1', NOW, 3);
    expect(takeMany(rate, '192.0.2.1', NOW + 12 * SECOND, 3)).toBe(2);
  });
});

/** What the table is to do, for those that it has room for. */
class Buckets {
  readonly #options: Required<SourceRateOptions>;
  readonly #buckets = new Map<string, { level: number; since: number }>();

  constructor(options: Required<SourceRateOptions>) {
    this.#options = options;
  }

  take(source: string, now: number): boolean {
    const { rate, burst, ban, onBan } = this.#options;
    const cost = SECOND / rate;
    const room = Math.max(burst, cost);
    const bucket = this.#buckets.get(source) ?? { level: room, since: now };
    this.#buckets.set(source, bucket);
    if (now < bucket.since) return false;
    bucket.level = Math.min(room, bucket.level + now - bucket.since);
    bucket.since = now;
    if (bucket.level >= cost) {
      bucket.level -= cost;
      return true;
    }
    if (ban > 0) {
      bucket.level = 0;
      bucket.since = now + ban;
      onBan();
    }
    return false;
  }
}

it('does what plain buckets do, whatever comes', () => {
  const seen = { taken: 0, refused: 0, bans: 0 };
  const source = fc.oneof(
    fc.nat({ max: 9 }).map((i) => [`10.0.0.${i}`, `10.0.0.${i}`] as const),
    fc
      .tuple(fc.nat({ max: 9 }), fc.nat({ max: 0xffff }))
      .map(([i, host]) => [`2001:db8:0:${i}`, `2001:db8:0:${i}::${host.toString(16)}`] as const),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 5, 10, 100),
      fc.constantFrom(1, 500, 1000, 3000),
      fc.constantFrom(0, 1, 700, 5000),
      fc.array(fc.tuple(source, fc.oneof(fc.constant(0), fc.nat({ max: 2000 }))), {
        minLength: 50,
        maxLength: 300,
      }),
      (rate, burst, ban, requests) => {
        const bans = { table: 0, oracle: 0 };
        const table = open({ rate, burst, ban, onBan: () => bans.table++ });
        const oracle = new Buckets({ rate, burst, ban, onBan: () => bans.oracle++ });
        let now = NOW;
        for (const [[name, address], pause] of requests) {
          now += pause;
          const taken = take(table, address, now);
          expect(taken).toBe(oracle.take(name, now));
          expect(bans.table).toBe(bans.oracle);
          if (taken) seen.taken++;
          else seen.refused++;
        }
        seen.bans += bans.table;
      },
    ),
    { numRuns: 200 },
  );
  expect(Math.min(seen.taken, seen.refused, seen.bans)).toBeGreaterThan(100);
});

describe('a million sources', () => {
  const address = new Uint8Array(4);
  function flood(rate: SourceRate, now: number, each: number, between: (i: number) => void): number {
    let refused = 0;
    for (let i = 0; i < 1_000_000; i++) {
      new DataView(address.buffer).setUint32(0, 0x0b00_0000 + i);
      for (let n = 0; n < each; n++) if (!rate.take(address, 0, 4, now)) refused++;
      if (i % 1000 === 0) between(i);
    }
    return refused;
  }

  it('take a mebibyte, and no more', () => {
    const bytes = () => process.memoryUsage().arrayBuffers;
    const before = bytes();
    const rate = open({ rate: 1, burst: 2 * SECOND });
    take(rate, '192.0.2.1', NOW);
    expect(bytes() - before).toBeLessThan(2 ** 20 + 2 ** 16);
    flood(rate, NOW, 1, () => {});
    expect(bytes() - before).toBeLessThan(2 ** 20 + 2 ** 16);
    expect(rate.known(NOW)).toBe(65_536);
  });

  it('that are all at their limit get nobody refused who is not', () => {
    const rate = open({ rate: 1, burst: 3 * SECOND });
    // A flood within one moment, in which an honest client sends what it may.
    let honest = 0;
    const refused = flood(rate, NOW, 4, (i) => {
      if (i % 250_000 === 0 && i < 750_000 && take(rate, '192.0.2.1', NOW)) honest++;
    });
    expect(honest).toBe(3);
    expect(refused).toBe(1_000_000);
  });

  it('that ask once do not make those forgotten that ask too often', () => {
    const rate = open({ rate: 1, burst: 3 * SECOND, ban: 60 * SECOND });
    expect(takeMany(rate, '192.0.2.1', NOW, 4)).toBe(3);
    flood(rate, NOW, 1, () => expect(take(rate, '192.0.2.1', NOW)).toBe(false));
  });
});
