/**
 * Gathers what announces write, for `local_cache`: those of a swarm go to Redis together, at most 100 ms after the first.
 * Nobody waits for them, so what fails is logged, and the next announce of the same peer makes up for it.
 */

import type { AddressFamily } from '../../bittorrent/address-family.ts';
import { Infohash } from '../../bittorrent/infohash.ts';
import type { Peer } from '../../bittorrent/peer.ts';
import { FailureLog } from '../../pkg/failure-log.ts';
import type { Logger } from '../../pkg/logger.ts';
import { swarmName } from './keys.ts';
import { entryOf, type RedisPeerStore } from './peer-store.ts';
import type { Script } from './script.ts';
import type { Entry } from './write-scripts.ts';

/** Milliseconds; with what the timer is late, and the way to Redis, it stays below 100. */
const DELAY = 80;

/** Entries that Redis is given in one step: some of a swarm's are as many as others wait for. */
const ENTRIES_A_STEP = 128;

/** Entries gathered at most; more go to Redis before their time. */
const MOST_GATHERED = 100_000;

/** Writes to one swarm of one kind, in their order. */
interface Run {
  readonly script: Script;
  readonly entries: Buffer[];
}

interface Gathered {
  readonly infohash: Infohash;
  readonly family: AddressFamily;
  readonly runs: Run[];
}

export class WriteGatherer {
  readonly #store: RedisPeerStore;
  readonly #failures: FailureLog;
  #swarms = new Map<string, Gathered>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: RedisPeerStore, logger: Logger) {
    this.#store = store;
    this.#failures = new FailureLog(logger);
  }

  add(script: Script, letter: Entry, infohash: Infohash, peer: Peer): void {
    const { runs } = this.#swarm(infohash, peer.family);
    let run = runs.at(-1);
    if (run?.script !== script || run.entries.length >= ENTRIES_A_STEP) {
      run = { script, entries: [] };
      runs.push(run);
    }
    run.entries.push(entryOf(letter, peer));
    this.#count++;
    if (this.#count >= MOST_GATHERED) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), DELAY);
  }

  /** Sends all; resolves when Redis has answered. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const swarms = this.#swarms;
    this.#swarms = new Map();
    this.#count = 0;
    const sent: Promise<void>[] = [];
    for (const { infohash, family, runs } of swarms.values()) {
      for (const { script, entries } of runs) sent.push(this.#send(script, infohash, family, entries));
    }
    await Promise.all(sent);
  }

  async #send(script: Script, infohash: Infohash, family: AddressFamily, entries: Buffer[]): Promise<void> {
    try {
      await this.#store.write(script, infohash, family, entries);
    } catch (error) {
      this.#failures.log('gathered announces were not stored', { err: error, announces: entries.length });
    }
  }

  #swarm(infohash: Infohash, family: AddressFamily): Gathered {
    const key = swarmName(infohash, family);
    let gathered = this.#swarms.get(key);
    if (!gathered) {
      const own = new Infohash();
      own.set(infohash.bytes, 0);
      gathered = { infohash: own, family, runs: [] };
      this.#swarms.set(key, gathered);
    }
    return gathered;
  }
}
