/**
 * `interval variation`: spreads announces over time by lengthening the interval of some peers.
 *
 * Whether and by how much follows from infohash and peer id, so that a peer is told the same at every
 * announce and cannot ask until it likes the answer.
 */

import type { z } from 'zod';
import type { AnnounceRequest, AnnounceResponse } from '../../bittorrent/announce.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import { defineHook, type Hook } from '../middleware.ts';
import { options } from './config.ts';

/** Words of an infohash and of a peer id. */
const WORDS = 5;

/** A second, independent number from the same hash; the constant is that of SplitMix. */
const SECOND = 0x9e3779b9;

class IntervalVariation implements Hook {
  readonly #probability: number;
  readonly #maxDelta: number;
  readonly #modifyMinInterval: boolean;

  constructor(config: z.output<typeof options>) {
    this.#probability = config.modify_response_probability;
    this.#maxDelta = config.max_increase_delta;
    this.#modifyMinInterval = config.modify_min_interval;
  }

  handleAnnounce(_context: RequestContext, request: AnnounceRequest, response: AnnounceResponse): void {
    const hash = hashWords(request.peer.words, hashWords(request.infohash.words, 0));
    if (fraction(hash) >= this.#probability) return;
    const delta = 1 + Math.floor(fraction(hash + SECOND) * this.#maxDelta);
    response.interval += delta;
    if (this.#modifyMinInterval) response.minInterval += delta;
  }

  /** A scrape has no interval. */
  handleScrape(): void {}
}

export const intervalVariationDriver = defineHook({
  name: 'interval variation',
  summary:
    'Adds a random number of seconds, the same at each of its announces, to the interval of some peers.',
  options,
  create: (config) => new IntervalVariation(config),
});

/** The body of MurmurHash3 (32 bit) over the first five words. */
function hashWords(words: Int32Array, seed: number): number {
  let hash = seed;
  for (let i = 0; i < WORDS; i++) {
    let word = Math.imul(words[i] as number, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  return hash;
}

/** The finaliser of MurmurHash3, as a number in [0, 1). */
function fraction(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return (mixed >>> 0) / 4294967296;
}
