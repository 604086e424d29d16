/**
 * How often one source may ask. A source is an IPv4 address, or the first 64 bits of an IPv6 address: whoever has one
 * address of such a network mostly has all of them.
 *
 * A request costs a source some time, the reciprocal of the rate; `paid` is when it will have paid for all of its
 * requests, and what it owes must not exceed the burst (the generic cell rate algorithm, ITU-T I.371). So a
 * bucket is one number, and one that has nothing in it need not be kept.
 *
 *   a set of 8    keys  | 8 bytes | 8 bytes | …    a cache line
 *                 paid  | 8 bytes | 8 bytes | …    another
 *
 * The table has 65,536 places, 1 MiB, and never more. A source may lie anywhere in one set, which a keyed hash chooses,
 * so that nobody can aim at the set of another. A newcomer to a full set takes the place of the one that owes
 * least: forgotten is what matters least, and to be forgotten is to owe nothing. A flood of sources makes the limits
 * lenient, then; it gets nobody limited who has not asked too often, and those that ask most are remembered longest.
 */

import { randomFillSync } from 'node:crypto';
import { readInt32LittleEndian } from '../pkg/bytes.ts';
import { halfSipHash } from '../pkg/half-siphash.ts';
import type { MetricRegistry } from '../pkg/metrics.ts';

const PLACES = 65_536;
const WAYS = 8;
const SETS = PLACES / WAYS;

/** The first half of an IPv4 source's key, `0:ffff::/32` as IPv6 has it, where nobody can be. */
const IPV4 = 0xffff0000 | 0;

export interface SourceRateOptions {
  /** Requests a second; 0 for no limit. */
  readonly rate: number;
  /** How many milliseconds' worth of them may come at once; a single one may in any case. */
  readonly burst: number;
  /** Milliseconds for which a source that exceeds the limit is refused everything. */
  readonly ban?: number;
  readonly onBan?: () => void;
}

export interface SourceRate {
  /**
   * Whether a source may send one more request at `now`, milliseconds since 1970; counts it, if so.
   *
   * @param length of the address at `source[at]`: 4 or 16, unmapped
   */
  take(source: Uint8Array, at: number, length: number, now: number): boolean;
  /** How many sources it knows something of. */
  known(now: number): number;
}

/** What there is without a limit. */
export const unlimited: SourceRate = { take: () => true, known: () => 0 };

/** @param before what its sources have sent counts, also where the limit was another */
export function sourceRate(options: SourceRateOptions, before: SourceRate): SourceRate {
  if (options.rate === 0) return unlimited;
  return new LimitedRate(options, before instanceof LimitedRate ? before : undefined);
}

class LimitedRate implements SourceRate {
  readonly #secret: Int32Array;
  readonly #keys: Int32Array;
  readonly #paid: Float64Array;
  readonly #key = new Int32Array(2);
  readonly #cost: number;
  /** What a source may owe to be let in; what it then owes at most; and what it owes that is banned. */
  readonly #allowed: number;
  readonly #full: number;
  readonly #most: number;
  readonly #onBan: (() => void) | undefined;

  constructor({ rate, burst, ban = 0, onBan }: SourceRateOptions, before: LimitedRate | undefined) {
    this.#secret = before ? before.#secret : randomFillSync(new Int32Array(2));
    this.#keys = before ? before.#keys : new Int32Array(2 * PLACES);
    this.#paid = before ? before.#paid : new Float64Array(PLACES);
    // Whole 1,024ths of a millisecond: added to a time of today they are exact.
    this.#cost = Math.floor(1_024_000 / rate) / 1024;
    this.#allowed = Math.max(burst - this.#cost, 0);
    this.#full = this.#allowed + this.#cost;
    this.#most = this.#full + ban;
    this.#onBan = ban > 0 ? onBan : undefined;
  }

  take(source: Uint8Array, at: number, length: number, now: number): boolean {
    const place = this.#placeOf(source, at, length);
    let owed = (this.#paid[place] as number) - now;
    // More than can be owed: the clock was set back, or the limit was another.
    if (owed < 0 || owed > this.#most) owed = 0;
    if (owed <= this.#allowed) {
      this.#paid[place] = now + owed + this.#cost;
      return true;
    }
    if (owed <= this.#full && this.#most > this.#full) {
      this.#paid[place] = now + this.#most;
      this.#onBan?.();
    }
    return false;
  }

  known(now: number): number {
    let count = 0;
    for (const paid of this.#paid) if (paid > now) count++;
    return count;
  }

  /** Where the source is, or is from now on. */
  #placeOf(source: Uint8Array, at: number, length: number): number {
    const high = length === 4 ? IPV4 : readInt32LittleEndian(source, at);
    const low = readInt32LittleEndian(source, length === 4 ? at : at + 4);
    const key = this.#key;
    key[0] = high;
    key[1] = low;
    const hash = halfSipHash(this.#secret[0] as number, this.#secret[1] as number, key, 0, 2);
    const first = (hash & (SETS - 1)) * WAYS;
    let least = first;
    for (let place = first; place < first + WAYS; place++) {
      if (this.#keys[2 * place] === high && this.#keys[2 * place + 1] === low) return place;
      if ((this.#paid[place] as number) < (this.#paid[least] as number)) least = place;
    }
    this.#keys[2 * least] = high;
    this.#keys[2 * least + 1] = low;
    this.#paid[least] = 0;
    return least;
  }
}

/** @param rates those in force, by the value of the label `limit` */
export function registerKnownSources(
  registry: MetricRegistry,
  frontend: string,
  rates: () => Readonly<Record<string, SourceRate>>,
): void {
  registry.register({
    name: 'chihaya_rate_limit_sources',
    help: 'Sources that rate limits know something of',
    type: 'gauge',
    collect: () =>
      Object.entries(rates()).map(([limit, rate]) => ({
        labels: { frontend, limit },
        value: rate.known(Date.now()),
      })),
  });
}
