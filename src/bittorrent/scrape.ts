/** Scrape requests and responses (BEP 48, BEP 15). Reused like those of announces. */

import { AddressFamily } from './address-family.ts';
import { Infohash } from './infohash.ts';
import { Params } from './params.ts';

export class ScrapeRequest {
  /** The swarms asked for, in the order they were asked for. */
  readonly infohashes: Infohash[] = [];
  readonly params = new Params();
  /** The family whose swarms are meant: the requester's. */
  family: AddressFamily = AddressFamily.IPv4;
  readonly #spare: Infohash[] = [];

  /** Keeps the first `length` infohashes; the objects of the others are used again. */
  truncate(length: number): void {
    while (this.infohashes.length > length) this.#spare.push(this.infohashes.pop() as Infohash);
  }

  /** Appends the 20 bytes at `offset`. */
  add(source: Uint8Array, offset: number): void {
    const infohash = this.#spare.pop() ?? new Infohash();
    infohash.set(source, offset);
    this.infohashes.push(infohash);
  }
}

/** What a scrape tells of one swarm. */
export class SwarmCounts {
  /** Seeders. */
  complete = 0;
  /** Leechers. */
  incomplete = 0;
  /** How often a peer completed its download: `downloaded` in a scrape's answer. */
  snatches = 0;
}

export class ScrapeResponse {
  /** One entry for each infohash of the request, in its order. */
  readonly files: SwarmCounts[] = [];
  readonly #spare: SwarmCounts[] = [];

  /** Makes `count` entries, all zero. */
  reset(count: number): void {
    while (this.files.length > count) this.#spare.push(this.files.pop() as SwarmCounts);
    while (this.files.length < count) this.files.push(this.#spare.pop() ?? new SwarmCounts());
    for (const file of this.files) {
      file.complete = 0;
      file.incomplete = 0;
      file.snatches = 0;
    }
  }
}
