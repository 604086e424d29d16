/**
 * Chooses which peers an announcer is given whose request has a preference, and copies them into the answer.
 *
 *     level 0: seeders, leechers    level 1: seeders, leechers    …    the rest: seeders, leechers
 *     '---------------- found by PeerSearch ----------------'          '--- drawn by PeerChoice ---'
 *
 * A seeder is given leechers only. What is left is drawn from all that have not been taken.
 */

import type { Peer } from '../../bittorrent/peer.ts';
import type { PeerList } from '../../bittorrent/peer-list.ts';
import { MAX_LEVELS, type PeerPreference } from '../../bittorrent/peer-preference.ts';
import type { Random } from '../../pkg/random.ts';
import { NONE } from './hash-index.ts';
import type { PeerChoice } from './peer-choice.ts';
import { PeerSearch } from './peer-search.ts';
import type { SwarmPeers } from './swarm-peers.ts';

/**
 * Up to so many are looked at all if need be, and of more a part. At 2 ns or more each, most of it for memory that
 * is not in a cache, the part costs as much as the rest of an announce over UDP, whoever is near and whoever is not.
 */
const ALL = 16_384;
const PART = 2_048;

export class PreferredChoice {
  readonly #peers: SwarmPeers;
  readonly #random: Random;
  readonly #choice: PeerChoice;
  readonly #search: PeerSearch;
  /** By level how many of those found are seeders, which were looked at first. */
  readonly #seeders = new Int32Array(MAX_LEVELS);
  /** Positions that cannot be drawn any more, in ascending order once the drawing begins. */
  #taken = new Int32Array(0);
  #takenCount = 0;

  constructor(peers: SwarmPeers, random: Random, choice: PeerChoice) {
    this.#peers = peers;
    this.#random = random;
    this.#choice = choice;
    this.#search = new PeerSearch(peers, random);
  }

  /**
   * Appends to `list` up to `wanted` peers of a swarm, as many as it has room for.
   *
   * @param own the announcer's position, or NONE
   */
  choose(
    swarm: number,
    seeders: number,
    leechers: number,
    announcer: Peer,
    own: number,
    seeder: boolean,
    wanted: number,
    preference: PeerPreference,
    list: PeerList,
  ): void {
    const count = Math.min(wanted, list.capacity - list.count);
    if (count <= 0) return;
    if (list.includeIds) list.reserveIds(list.count + count);
    if (this.#taken.length <= count) this.#taken = new Int32Array(count + 1);
    this.#takenCount = 0;

    const levels = Math.min(preference.levels, MAX_LEVELS);
    const size = seeders + leechers;
    const search = this.#search;
    search.begin(levels, count);
    const eligible = seeder ? leechers : size;
    const most = eligible <= ALL ? eligible : PART;
    let forSeeders = 0;
    if (!seeder) {
      // Where not all are looked at, each side has half at least, or all that it needs.
      forSeeders = Math.min(seeders, Math.max(most / 2, most - leechers));
      search.look(swarm, 0, seeders, own, forSeeders, announcer, preference);
    }
    for (let level = 0; level < levels; level++) this.#seeders[level] = search.count(level);
    search.look(swarm, seeders, size, own, most - forSeeders, announcer, preference);

    let left = count;
    for (let level = 0; level < levels && left > 0; level++) {
      const start = search.start(level);
      const border = this.#seeders[level] as number;
      left -= this.#take(swarm, start, border, left, list);
      left -= this.#take(swarm, start + border, search.count(level) - border, left, list);
    }
    if (left > 0) this.#fill(swarm, seeders, size, own, seeder, left, list);
  }

  /** Appends up to `wanted` of the `found` peers whose positions begin at `start`. Returns how many. */
  #take(swarm: number, start: number, found: number, wanted: number, list: PeerList): number {
    const { positions } = this.#search;
    const count = Math.min(found, wanted);
    for (let i = 0; i < count; i++) {
      const drawn = start + i + this.#random.below(found - i);
      const position = positions[drawn] as number;
      positions[drawn] = positions[start + i] as number;
      this.#taken[this.#takenCount++] = position;
      this.#choice.copy(this.#peers.recordAt(swarm, position), list);
    }
    return count;
  }

  /** Appends up to `wanted` of those that have not been taken; room for them has been made. */
  #fill(
    swarm: number,
    seeders: number,
    size: number,
    own: number,
    seeder: boolean,
    wanted: number,
    list: PeerList,
  ): void {
    const taken = this.#taken;
    if (own !== NONE) taken[this.#takenCount++] = own;
    const count = this.#takenCount;
    sort(taken, count);
    let border = 0;
    while (border < count && (taken[border] as number) < seeders) border++;
    let left = wanted;
    if (!seeder) left -= this.#choice.chooseAround(swarm, 0, seeders, taken, 0, border, left, list);
    this.#choice.chooseAround(swarm, seeders, size, taken, border, count, left, list);
  }
}

/** Sorts the first `count` by insertion: they are fewer than are wanted, and the array's own method makes objects. */
function sort(values: Int32Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const value = values[i] as number;
    let at = i;
    for (; at > 0 && (values[at - 1] as number) > value; at--) values[at] = values[at - 1] as number;
    values[at] = value;
  }
}
