/**
 * What the generators ask for: infohashes `udpload` and 13 digits, skewed towards low numbers, from peers of
 * many ports, a part of them seeders. The same numbers in the same order at each run.
 */

export interface WorkloadOptions {
  /** How many infohashes there are. */
  readonly infohashes: number;
  /** Different ports: how many peers each source address can be in a swarm. */
  readonly ports: number;
  /** Percent of requests that scrape. */
  readonly scrapes: number;
  /** Percent of announcers that have nothing left to download. */
  readonly seeders: number;
}

const SEED_HIGH = 0x0139408d;
const SEED_LOW = 0xcbbf7a44;
const LENGTH = 20;

export class Workload {
  /** The names of the infohashes, 20 bytes each. */
  readonly names: Uint8Array;
  /** Of the request drawn last: */
  scrape = false;
  infohash = 0;
  port = 0;
  left = 0;
  key = 0;
  readonly #options: WorkloadOptions;
  /** xorshift64 (Marsaglia, 2003), in two halves. */
  #high = SEED_HIGH | 0;
  #low = SEED_LOW | 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.names = new Uint8Array(LENGTH * options.infohashes);
    for (let i = 0; i < options.infohashes; i++) this.names.set(Buffer.from(infohashName(i)), LENGTH * i);
  }

  /** Draws another request. */
  next(): void {
    const { infohashes, ports, scrapes, seeders } = this.#options;
    this.#shuffle();
    const high = this.#high;
    const low = this.#low;
    this.infohash = Math.min(remainder(high, low, infohashes), (high >>> 0) % infohashes);
    this.port = 1 + remainder(high >>> 13, (low >>> 13) | (high << 19), ports);
    this.key = low;
    this.#shuffle();
    this.scrape = remainder(this.#high, this.#low, 100) < scrapes;
    if (this.scrape) return;
    this.#shuffle();
    this.left = remainder(this.#high, this.#low, 100) < seeders ? 0 : 1000;
  }

  #shuffle(): void {
    let high = this.#high;
    let low = this.#low;
    high ^= (high << 13) | (low >>> 19);
    low ^= low << 13;
    low ^= (low >>> 7) | (high << 25);
    high ^= high >>> 7;
    high ^= (high << 17) | (low >>> 15);
    low ^= low << 17;
    this.#high = high;
    this.#low = low;
  }
}

/** The passkey that the announcers of port `port` show, if there are `passkeys`. */
export function passkeyName(port: number, passkeys: number): string {
  return String(port % passkeys).padStart(32, '0');
}

export function infohashName(number: number): string {
  return `udpload${String(number).padStart(13, '0')}`;
}

/** The remainder of an unsigned 64 bit integer; exact for a divisor below 2^21. */
function remainder(high: number, low: number, divisor: number): number {
  const upper = ((high >>> 0) % divisor) * (4294967296 % divisor) + (low >>> 0);
  return upper - Math.floor(upper / divisor) * divisor;
}
