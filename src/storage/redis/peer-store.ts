/**
 * The Redis store: swarms that any number of trackers have in common.
 *
 *     RedisPeerStore ── RedisClient ── Connection      requests, their timeouts; the library
 *                    ├─ Keyspace                        which keys a swarm has
 *                    ├─ readScript, putScript, …         what an announce reads and writes, in one step each
 *                    └─ Collector                       garbage, and exact counters
 *
 * Requests that arrive together leave together, and none waits for another.
 */

import type { AddressFamily } from '../../bittorrent/address-family.ts';
import type { AnnounceResponse } from '../../bittorrent/announce.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import { Peer } from '../../bittorrent/peer.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import type { SwarmCounts } from '../../bittorrent/scrape.ts';
import { readUint32 } from '../../pkg/bytes.ts';
import type { Clock } from '../../pkg/clock.ts';
import { Random } from '../../pkg/random.ts';
import { within } from '../../pkg/within.ts';
import { type DeleteResult, type PeerStore, resourceDoesNotExist, type StoreTotals } from '../storage.ts';
import type { Upkeep } from '../upkeep.ts';
import type { RedisClient } from './client.ts';
import type { Collector } from './collector.ts';
import type { Argument } from './connection.ts';
import type { Keyspace } from './keys.ts';
import { appendPreferred, candidatesFor } from './preferred-order.ts';
import { REPLY_FIELDS, REPLY_KNOWN, REPLY_LEECHERS, REPLY_SEEDERS_GIVEN, readScript } from './read-script.ts';
import { unreachable } from './redis-error.ts';
import { scrapeScript } from './scrape-script.ts';
import type { Script } from './script.ts';
import { appendField, fieldOf, timeValue } from './values.ts';
import { deleteScript, Entry, putScript } from './write-scripts.ts';

/** How long a stop waits for Redis, in milliseconds: what it does takes a few, unless it hangs. */
export const STOP_PATIENCE = 1000;

/** What a read gives: the reply of `readScript`. */
export type SwarmReply = Uint8Array;

export interface RedisStoreParts {
  readonly client: RedisClient;
  readonly keyspace: Keyspace;
  readonly collector: Collector;
  readonly clock: Clock;
}

export class RedisPeerStore implements PeerStore {
  readonly #client: RedisClient;
  readonly #keyspace: Keyspace;
  readonly #collector: Collector;
  readonly #clock: Clock;
  readonly #random = new Random();
  #upkeep: Upkeep | undefined;

  constructor({ client, keyspace, collector, clock }: RedisStoreParts) {
    this.#client = client;
    this.#keyspace = keyspace;
    this.#collector = collector;
    this.#clock = clock;
  }

  /** Has the store do its upkeep until it is stopped. */
  keepUp(upkeep: Upkeep): void {
    this.#upkeep = upkeep;
  }

  ready(): boolean {
    return this.#client.ready;
  }

  async putSeeder(infohash: Infohash, peer: Peer): Promise<void> {
    await this.write(putScript, infohash, peer.family, [entryOf(Entry.Seeder, peer)]);
  }

  async putLeecher(infohash: Infohash, peer: Peer): Promise<void> {
    await this.write(putScript, infohash, peer.family, [entryOf(Entry.Leecher, peer)]);
  }

  async deleteSeeder(infohash: Infohash, peer: Peer): Promise<DeleteResult> {
    const deleted = await this.write(deleteScript, infohash, peer.family, [entryOf(Entry.Seeder, peer)]);
    return deleted === 0 ? resourceDoesNotExist : undefined;
  }

  async deleteLeecher(infohash: Infohash, peer: Peer): Promise<DeleteResult> {
    const deleted = await this.write(deleteScript, infohash, peer.family, [entryOf(Entry.Leecher, peer)]);
    return deleted === 0 ? resourceDoesNotExist : undefined;
  }

  async graduateLeecher(infohash: Infohash, peer: Peer): Promise<void> {
    await this.write(putScript, infohash, peer.family, [entryOf(Entry.Graduate, peer)]);
  }

  async announcePeers(
    infohash: Infohash,
    announcer: Peer,
    seeder: boolean,
    numwant: number,
    response: AnnounceResponse,
    preference?: PeerPreference,
  ): Promise<boolean> {
    const { peers } = response;
    const wanted = Math.max(0, Math.min(numwant, peers.capacity - peers.count));
    const field = fieldOf(announcer);
    const { family } = announcer;
    let reply: SwarmReply;
    if (preference && wanted > 0) {
      // The announcer is the caller's until Redis answers, and then somebody else's perhaps.
      const self = new Peer();
      self.bytes.set(announcer.bytes);
      self.family = family;
      const candidates = candidatesFor(wanted);
      reply = await this.read(infohash, family, field, seeder, candidates, candidates);
      const fields = reply.subarray(REPLY_FIELDS);
      const seeders = readUint32(reply, REPLY_SEEDERS_GIVEN);
      appendPreferred(fields, field.length, seeders, wanted, self, preference, this.#random, peers);
    } else {
      reply = await this.read(infohash, family, field, seeder, wanted);
      for (let at = REPLY_FIELDS; at < reply.length; at += field.length) appendField(reply, at, peers);
    }
    response.complete = readUint32(reply, 0);
    response.incomplete = readUint32(reply, REPLY_LEECHERS);
    return reply[REPLY_KNOWN] === 1;
  }

  async scrapeSwarm(infohash: Infohash, family: AddressFamily, counts: SwarmCounts): Promise<void> {
    const group = this.#keyspace.groupOf(infohash, family);
    const { hex } = infohash;
    const keys = [group.seeders(hex), group.leechers(hex), group.snatches];
    const [seeders, leechers, snatches] = (await this.#client.run('scrape', scrapeScript, keys, [
      hex,
    ])) as number[];
    counts.complete = seeders ?? 0;
    counts.incomplete = leechers ?? 0;
    counts.snatches = snatches ?? 0;
  }

  collectGarbage(cutoff: number): Promise<void> {
    return this.#collector.collect(cutoff);
  }

  /** Asked of Redis: what all trackers together have stored. */
  async totals(): Promise<StoreTotals> {
    if (!this.#client.ready) throw unreachable;
    const groups = await Promise.all(
      this.#keyspace.groups.map(({ swarmCount, seederCount, leecherCount }) =>
        this.#client.command('totals', 'mget', [swarmCount, seederCount, leecherCount]),
      ),
    );
    const totals = { infohashes: 0, seeders: 0, leechers: 0 };
    for (const counts of groups as (Buffer | null)[][]) {
      totals.infohashes += Number(counts[0] ?? 0);
      totals.seeders += Number(counts[1] ?? 0);
      totals.leechers += Number(counts[2] ?? 0);
    }
    return totals;
  }

  /** Nothing in Redis is touched: other trackers go on. */
  async stop(): Promise<void> {
    this.#collector.stop();
    // The step that a collection is at ends by itself.
    if (this.#upkeep) await within(STOP_PATIENCE, this.#upkeep.stop());
    this.#client.close();
  }

  /**
   * The counts, whether `field` is known, and up to `wanted` fields: the reply of `readScript`.
   *
   * @param leechers if it is given, `wanted` is for seeders alone, and this for leechers
   */
  async read(
    infohash: Infohash,
    family: AddressFamily,
    field: Buffer,
    seeder: boolean,
    wanted: number,
    leechers?: number,
  ): Promise<SwarmReply> {
    const group = this.#keyspace.groupOf(infohash, family);
    const { hex } = infohash;
    const keys = [group.seeders(hex), group.leechers(hex)];
    const args: Argument[] = [field, seeder ? '1' : '0', wanted, this.#random.below(2 ** 31)];
    if (leechers !== undefined) args.push(leechers);
    return (await this.#client.run('announce', readScript, keys, args)) as SwarmReply;
  }

  /** Runs one of the scripts that write; resolves to its reply. @param entries of peers of `family` */
  write(
    script: Script,
    infohash: Infohash,
    family: AddressFamily,
    entries: readonly Buffer[],
  ): Promise<unknown> {
    const group = this.#keyspace.groupOf(infohash, family);
    const { hex } = infohash;
    const keys = [...group.common, group.seeders(hex), group.leechers(hex)];
    const args = [hex, timeValue(this.#clock.now()), ...entries];
    return this.#client.run('store', script, keys, args);
  }
}

/** A peer as the scripts that write take it. */
export function entryOf(letter: Entry, peer: Peer): Buffer {
  const entry = fieldOf(peer, 1);
  entry[0] = letter;
  return entry;
}
