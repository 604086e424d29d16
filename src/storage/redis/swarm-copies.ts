/**
 * Copies of busy swarms, for `local_cache`: their counts, and some of their peers drawn at random. A swarm is busy that
 * is announced to several times while a copy would last. A copy is as old as the moment its peers were asked for, and
 * asked for anew before it is too old, as long as the swarm stays busy.
 */

import { randomBytes } from 'node:crypto';
import { type AddressFamily, addressLength } from '../../bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../bittorrent/announce.ts';
import { Infohash } from '../../bittorrent/infohash.ts';
import { PEER_ID_LENGTH } from '../../bittorrent/peer.ts';
import { readUint32 } from '../../pkg/bytes.ts';
import { Random } from '../../pkg/random.ts';
import { swarmName } from './keys.ts';
import type { RedisPeerStore } from './peer-store.ts';
import { REPLY_FIELDS, REPLY_LEECHERS, REPLY_SEEDERS_GIVEN } from './read-script.ts';
import { appendField } from './values.ts';

/** Announces within a copy's life that make a swarm busy. */
const BUSY = 3;

/** Peers of each side that a copy holds at most; who wants more is not answered from it. */
const COPIED = 200;

/** Swarms that are watched or copied at once: some 40 MB, if all are large. */
const MOST_SWARMS = 4096;

/** At which part of its life a copy is replaced. */
const REPLACED = 0.75;

interface Copy {
  readonly complete: number;
  readonly incomplete: number;
  readonly seeders: Uint8Array;
  readonly leechers: Uint8Array;
  /** When it was asked for, by `performance.now()`. */
  readonly time: number;
}

interface Watched {
  readonly infohash: Infohash;
  readonly family: AddressFamily;
  /** Since the last look around. */
  visits: number;
  copy: Copy | undefined;
  loading: boolean;
}

export class SwarmCopies {
  readonly #store: RedisPeerStore;
  readonly #life: number;
  readonly #swarms = new Map<string, Watched>();
  readonly #random = new Random();
  readonly #timer: NodeJS.Timeout;

  /** @param life milliseconds */
  constructor(store: RedisPeerStore, life: number) {
    this.#store = store;
    this.#life = life;
    this.#timer = setInterval(() => this.#lookAround(), life).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Fills the response from a copy. Returns false, and leaves the response as it is, if there is none that will do.
   *
   * @param self the announcer's field
   */
  answer(
    infohash: Infohash,
    family: AddressFamily,
    self: Uint8Array,
    seeder: boolean,
    wanted: number,
    response: AnnounceResponse,
  ): boolean {
    const watched = this.#visit(infohash, family);
    if (!watched) return false;
    const { copy } = watched;
    const now = performance.now();
    const age = copy ? now - copy.time : this.#life;
    if (watched.visits >= BUSY && age >= this.#life * REPLACED && !watched.loading)
      void this.#load(watched, now);
    if (!copy || age >= this.#life || wanted > COPIED) return false;
    const { peers } = response;
    const before = peers.count;
    if (!seeder) this.#draw(copy.seeders, self, wanted, response);
    this.#draw(copy.leechers, self, wanted - (peers.count - before), response);
    // Whether the announcer is counted is of interest to those who are given nobody, and Redis alone knows.
    if (wanted > 0 && peers.count === before) return false;
    response.complete = copy.complete;
    response.incomplete = copy.incomplete;
    return true;
  }

  #visit(infohash: Infohash, family: AddressFamily): Watched | undefined {
    const key = swarmName(infohash, family);
    let watched = this.#swarms.get(key);
    if (!watched) {
      if (this.#swarms.size >= MOST_SWARMS) return undefined;
      const own = new Infohash();
      own.set(infohash.bytes, 0);
      watched = { infohash: own, family, visits: 0, copy: undefined, loading: false };
      this.#swarms.set(key, watched);
    }
    watched.visits++;
    return watched;
  }

  /** Forgets swarms that are not busy. */
  #lookAround(): void {
    for (const [key, watched] of this.#swarms) {
      if (watched.visits < BUSY && !watched.loading) this.#swarms.delete(key);
      watched.visits = 0;
    }
  }

  async #load(watched: Watched, time: number): Promise<void> {
    watched.loading = true;
    const { infohash, family } = watched;
    // Nobody's field: everybody in the swarm may be drawn.
    const nobody = randomBytes(PEER_ID_LENGTH + 2 + addressLength(family));
    try {
      const reply = await this.#store.read(infohash, family, nobody, false, COPIED, COPIED);
      const border = REPLY_FIELDS + readUint32(reply, REPLY_SEEDERS_GIVEN) * nobody.length;
      watched.copy = {
        complete: readUint32(reply, 0),
        incomplete: readUint32(reply, REPLY_LEECHERS),
        // New memory: a reply is a part of all that came with it.
        seeders: new Uint8Array(reply.subarray(REPLY_FIELDS, border)),
        leechers: new Uint8Array(reply.subarray(border)),
        time,
      };
    } catch {
      // The announces that go to Redis instead fail likewise, and are told.
      watched.copy = undefined;
    } finally {
      watched.loading = false;
    }
  }

  /**
   * Appends up to `wanted` of the peers. As in docs/adr/0002-peer-choice.md: a ring that begins anywhere, cut into as
   * many pieces as peers are drawn, and one drawn from each; one more than wanted, as one may be the announcer.
   */
  #draw(fields: Uint8Array, self: Uint8Array, wanted: number, { peers }: AnnounceResponse): void {
    const there = fields.length / self.length;
    let left = Math.min(wanted, peers.capacity - peers.count, there);
    const draws = Math.min(left + 1, there);
    const turn = this.#random.below(there);
    for (let i = 0; i < draws && left > 0; i++) {
      const start = Math.floor((i * there) / draws);
      const end = Math.floor(((i + 1) * there) / draws);
      const position = (start + this.#random.below(end - start) + turn) % there;
      const at = position * self.length;
      if (isAt(self, fields, at)) continue;
      appendField(fields, at, peers);
      left--;
    }
  }
}

function isAt(field: Uint8Array, fields: Uint8Array, at: number): boolean {
  // From the end: ports and addresses differ more than ids.
  for (let i = field.length - 1; i >= 0; i--) if (field[i] !== fields[at + i]) return false;
  return true;
}
