/**
 * Looks through a swarm for the peers that a preference puts first, and keeps their positions by level.
 *
 * A range of positions is cut into runs of 32, of which each lies in one block of the slab. They are visited
 * from a random one on in steps of a Fibonacci number, either way round a ring whose length is the next such number (places without a run are
 * passed over):
 *
 *     run        0  1  2  3  4  5  6  7  8  9 10 11 12        (13 runs, steps of 8, from run 11 on)
 *     visited   11  3  8 13  5 10  2  7 12  4  9  1  6
 *
 * Wherever the visit ends, it has gone evenly over the whole range: what was seen is a fair sample. And peers that
 * came together and lie side by side, as a rack that was switched on, are each found about as often.
 *
 * It ends when the nearest levels have enough, or when as many peers were looked at as it was told to.
 */

import type { Peer } from '../../bittorrent/peer.ts';
import { MAX_LEVELS, type PeerPreference } from '../../bittorrent/peer-preference.ts';
import type { Random } from '../../pkg/random.ts';
import { RECORD_MASK, segmentOf } from './record-slab.ts';
import type { SwarmPeers } from './swarm-peers.ts';

/** Peers of a run, 2^5: shorter ones cost more calls and cache lines, longer ones look at many neighbours of one that is far. */
const RUN_BITS = 5;
const RUN = 1 << RUN_BITS;

export class PeerSearch {
  readonly #peers: SwarmPeers;
  readonly #random: Random;
  /** What a preference finds in a run: indices and levels in turns. */
  readonly #found = new Int32Array(2 * RUN);
  /** For each level room for `#room` positions, and how many of them are there. */
  #positions = new Int32Array(0);
  #room = 0;
  readonly #counts = new Int32Array(MAX_LEVELS);
  #wanted = 0;
  /** Levels from here on need not be looked for: those below it have enough, or there are no more. */
  #below = 0;

  constructor(peers: SwarmPeers, random: Random) {
    this.#peers = peers;
    this.#random = random;
  }

  /** Forgets what was found, and sets out for `wanted` peers on `levels` levels. */
  begin(levels: number, wanted: number): void {
    // A run may bring more than were still wanted.
    this.#room = wanted + RUN;
    if (this.#positions.length < levels * this.#room) this.#positions = new Int32Array(levels * this.#room);
    this.#counts.fill(0);
    this.#wanted = wanted;
    this.#below = levels;
  }

  /** How many were found on a level. */
  count(level: number): number {
    return this.#counts[level] as number;
  }

  /** The positions found, those of a level from `start` on. */
  get positions(): Int32Array {
    return this.#positions;
  }

  start(level: number): number {
    return level * this.#room;
  }

  /**
   * Looks at the peers at positions `[from, to)`, at `most` of them and a few.
   *
   * @param except a position that is passed over: the announcer's own, or NONE
   */
  look(
    swarm: number,
    from: number,
    to: number,
    except: number,
    most: number,
    announcer: Peer,
    preference: PeerPreference,
  ): void {
    const first = from >>> RUN_BITS;
    const runs = from < to ? ((to - 1) >>> RUN_BITS) - first + 1 : 0;
    // Neighbours among these numbers have no divisor in common, so every run is visited once.
    let ring = 1;
    let step = 1;
    while (ring < runs) {
      ring += step;
      step = ring - step;
    }
    if (this.#random.below(2) === 0) step = ring - step;
    let run = this.#random.below(runs);
    for (let visited = 0, looked = 0; visited < runs && looked < most && this.#below > 0; visited++) {
      const start = Math.max(from, (first + run) << RUN_BITS);
      const end = Math.min(to, (first + run + 1) << RUN_BITS);
      looked += end - start;
      this.#lookAt(swarm, start, end - start, except, announcer, preference);
      do {
        run += step;
        if (run >= ring) run -= ring;
      } while (run >= runs);
    }
  }

  #lookAt(
    swarm: number,
    start: number,
    count: number,
    except: number,
    announcer: Peer,
    preference: PeerPreference,
  ): void {
    const { slab } = this.#peers;
    const record = this.#peers.recordAt(swarm, start);
    const compact = slab.compact[segmentOf(record)] as Uint16Array;
    const at = (record & RECORD_MASK) * slab.width;
    const found = this.#found;
    const hits = preference.sift(announcer, compact, at, count, this.#below, found);
    if (hits === 0) return;
    for (let i = 0; i < 2 * hits; i += 2) {
      const position = start + (found[i] as number);
      if (position === except) continue;
      const level = found[i + 1] as number;
      const known = this.#counts[level] as number;
      this.#positions[level * this.#room + known] = position;
      this.#counts[level] = known + 1;
    }
    this.#narrow();
  }

  /** What lies beyond a level that has enough, with those nearer, will not be given. */
  #narrow(): void {
    let sum = 0;
    for (let level = 0; level < this.#below; level++) {
      sum += this.#counts[level] as number;
      if (sum >= this.#wanted) this.#below = level;
    }
  }
}
