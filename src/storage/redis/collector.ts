/**
 * Garbage collection, and counters put right.
 *
 * Any number of trackers may have one Redis: they take turns, group by group, by a key with a token of the one whose
 * turn it is. If that one dies, the key expires. A collection
 *
 *     begins        takes the turn, and sums at zero (counting.ts)
 *     lists         the infohashes in the index, by HSCAN
 *     slices        through them in order: removes old peers, counts those that stay
 *     sweeps        large swarms by HSCAN, some hundred peers a step
 *     forgets       snatches of swarms that have been empty for long
 *     finishes      sets the counters to the sums, and gives the turn away
 *
 * Each step is one script, short enough for announces not to notice, and after each Redis is left alone for a multiple of
 * the time that it took.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../pkg/clock.ts';
import type { Logger } from '../../pkg/logger.ts';
import type { RedisClient } from './client.ts';
import {
  Begin,
  beginScript,
  finishScript,
  forgetScript,
  sliceScript,
  sweepScript,
} from './collect-scripts.ts';
import type { Argument } from './connection.ts';
import type { KeyGroup, Keyspace } from './keys.ts';
import type { RedisMetrics } from './metrics.ts';
import type { Script } from './script.ts';
import { SwarmList } from './swarm-list.ts';
import { timeValue } from './values.ts';

/** How long a turn lasts if nothing is heard of who has it (milliseconds). */
const TURN = 10_000;
/** How often somebody looks who waits for a turn. */
const TURN_POLL = 50;

/** Fields of the index, or of the snatches, that are asked for at once. */
const LISTED = 1000;
/** Swarms that are offered to one step, peers after which it ends, and the largest side that it takes on. */
const SWARMS_A_STEP = 64;
const PEERS_A_STEP = 512;
const LARGEST_SIDE = 128;
/** Of a larger side, peers a step. */
const SWEPT = 256;

/** Redis has so many times the duration of a step for others before the next. */
const REST = 2;

/** Groups that are collected at once: those of a cluster are on several servers. */
const GROUPS_AT_ONCE = 8;

export interface CollectorParts {
  readonly client: RedisClient;
  readonly keyspace: Keyspace;
  readonly clock: Clock;
  readonly metrics: RedisMetrics;
  readonly logger: Logger;
}

/** Another has taken over, as this one was not heard of for too long. */
class TurnLost extends Error {
  override readonly name = 'TurnLost';

  constructor() {
    super('a collection was given up: it has taken too long, and another tracker collects now');
  }
}

export class Collector {
  readonly #parts: CollectorParts;
  readonly #token = randomBytes(12).toString('hex');
  readonly #stopping = new AbortController();

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  /** Has a collection under way end soon. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Collects everything, one after the other with whoever else collects. */
  collect(cutoff: number): Promise<void> {
    return this.#collectAll(cutoff, undefined);
  }

  /** Collects what nobody has collected within `interval` milliseconds, and nobody is collecting. */
  takeTurn(cutoff: number, interval: number): Promise<void> {
    return this.#collectAll(cutoff, interval);
  }

  async #collectAll(cutoff: number, interval: number | undefined): Promise<void> {
    const groups = this.#parts.keyspace.groups.values();
    const work = async () => {
      for (const group of groups) {
        if (this.#stopping.signal.aborted) return;
        await this.#collectGroup(group, cutoff, interval);
      }
    };
    await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, work));
  }

  async #collectGroup(group: KeyGroup, cutoff: number, interval: number | undefined): Promise<void> {
    if (!(await this.#begin(group, interval))) return;
    const limit = timeValue(cutoff);
    try {
      const swarms = await this.#list(group);
      for (const large of await this.#slices(group, swarms, limit)) await this.#sweep(group, large, limit);
      await this.#forget(group, swarms, cutoff);
      if (this.#stopping.signal.aborted) return;
      await this.#finish(group, interval);
    } catch (error) {
      // Whoever stops the collection closes the connection.
      if (this.#stopping.signal.aborted) return;
      if (!(error instanceof TurnLost)) throw error;
      this.#parts.logger.warn({ index: group.index }, error.message);
    }
  }

  /** Whether it is our turn. Somebody who insists waits for it. */
  async #begin(group: KeyGroup, interval: number | undefined): Promise<boolean> {
    const insist = interval === undefined ? '1' : '0';
    for (;;) {
      const keys = [...group.common, group.collector];
      const answer = await this.#parts.client.run('collect', beginScript, keys, [this.#token, TURN, insist]);
      if (answer === Begin.Mine) return true;
      if (answer !== Begin.Anothers || interval !== undefined) return false;
      await wait(TURN_POLL);
      if (this.#stopping.signal.aborted) return false;
    }
  }

  async #list(group: KeyGroup): Promise<SwarmList> {
    const swarms = new SwarmList();
    await this.#scan(group.index, (field) => {
      const hex = group.infohashOf(field);
      if (hex !== undefined) swarms.add(hex);
    });
    return swarms;
  }

  /** Collects small sides; resolves to those too large for it. */
  async #slices(group: KeyGroup, swarms: SwarmList, limit: string): Promise<LargeSide[]> {
    const large: LargeSide[] = [];
    for (const part of swarms.inOrder()) {
      for (let next = 0; next < part.length; ) {
        if (this.#stopping.signal.aborted) return [];
        const offered = part.slice(next, next + SWARMS_A_STEP);
        const args = [limit, this.#now(), LARGEST_SIDE, PEERS_A_STEP, ...offered];
        const reply = (await this.#step(group, sliceScript, offered, args)) as number[];
        next += reply.pop() as number;
        for (const number of reply) {
          large.push({ infohash: offered[(number - 1) >> 1] as string, side: number % 2 === 1 ? 1 : 2 });
        }
      }
    }
    return large;
  }

  async #sweep(group: KeyGroup, { infohash, side }: LargeSide, limit: string): Promise<void> {
    let cursor = '0';
    do {
      if (this.#stopping.signal.aborted) return;
      const args = [limit, this.#now(), infohash, side, cursor, SWEPT];
      cursor = String(await this.#step(group, sweepScript, [infohash], args));
    } while (cursor !== '0');
  }

  /** Swarms without peers are not in the list, or were until this collection; those have a time in their snatches. */
  async #forget(group: KeyGroup, swarms: SwarmList, cutoff: number): Promise<void> {
    const empty: string[] = [];
    await this.#scan(group.snatches, (hex, value) => {
      if (value.includes('@') || !swarms.has(hex)) empty.push(hex);
    });
    for (let next = 0; next < empty.length && !this.#stopping.signal.aborted; next += SWARMS_A_STEP) {
      const offered = empty.slice(next, next + SWARMS_A_STEP);
      await this.#step(group, forgetScript, offered, [timeValue(cutoff), this.#now(), ...offered]);
    }
  }

  async #finish(group: KeyGroup, interval: number | undefined): Promise<void> {
    // Timers of different trackers, and of different groups, are never quite the interval apart.
    const pause = Math.round((interval ?? 0) * 0.75);
    const keys = [...group.common, group.collector];
    const drift = await this.#parts.client.run('collect', finishScript, keys, [this.#token, TURN, pause]);
    if (drift === null) throw new TurnLost();
    if (drift === 0) return;
    this.#parts.metrics.repaired += drift as number;
    this.#parts.logger.info(
      { index: group.index, by: drift },
      'counters in Redis were wrong and are put right',
    );
  }

  /** All fields of a hash and their values; some may come twice. */
  async #scan(key: string, visit: (field: string, value: string) => void): Promise<void> {
    let cursor = '0';
    do {
      if (this.#stopping.signal.aborted) return;
      const reply = await this.#parts.client.command('collect', 'hscan', [key, cursor, 'COUNT', LISTED]);
      const [next, entries] = reply as [Buffer, Buffer[]];
      for (let i = 0; i < entries.length; i += 2) {
        visit(String(entries[i]), String(entries[i + 1]));
      }
      cursor = String(next);
    } while (cursor !== '0');
  }

  /** Runs a script of a turn, and lets others have Redis for a while. */
  async #step(
    group: KeyGroup,
    script: Script,
    infohashes: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const start = performance.now();
    const swarms = infohashes.flatMap((hex) => [group.seeders(hex), group.leechers(hex)]);
    const keys = [...group.common, group.collector, ...swarms];
    const reply = await this.#parts.client.run('collect', script, keys, [this.#token, TURN, ...args]);
    if (reply === null) throw new TurnLost();
    await wait(REST * (performance.now() - start));
    return reply;
  }

  #now(): string {
    return timeValue(this.#parts.clock.now());
  }
}

interface LargeSide {
  readonly infohash: string;
  readonly side: 1 | 2;
}
