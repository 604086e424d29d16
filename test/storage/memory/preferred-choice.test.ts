/** How much of a swarm is looked at for a preference. What comes of it is in the conformance suite. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { PeerPreference } from '../../../src/bittorrent/peer-preference.ts';
import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { someInfohash } from '../../support/requests.ts';
import { name, offer, peer } from '../../support/store-calls.ts';

const A = someInfohash('a');

/** Prefers some peers by number, and counts those that it was asked about. */
class Counting implements PeerPreference {
  readonly levels = 2;
  asked = 0;
  readonly #levelOf: (n: number) => number;

  constructor(levelOf: (n: number) => number) {
    this.#levelOf = levelOf;
  }

  sift(...[, compact, at, count, below, found]: Parameters<PeerPreference['sift']>): number {
    this.asked += count;
    const bytes = new Uint8Array(compact.buffer, compact.byteOffset + 2 * at, 6 * count);
    let hits = 0;
    for (let i = 0; i < count; i++) {
      const [, high = 0, middle = 0, low = 0] = bytes.subarray(6 * i, 6 * i + 4);
      const level = this.#levelOf((high << 16) | (middle << 8) | low);
      if (level >= below) continue;
      found[2 * hits] = i;
      found[2 * hits + 1] = level;
      hits++;
    }
    return hits;
  }
}

const nobody = () => 2;

describe('a preference', () => {
  let store: MemoryPeerStore;

  beforeEach(() => {
    store = MemoryPeerStore.create({ shardCount: 16, clock: new ManualClock() });
  });

  /** Peers `[from, to)`, the first ones seeders. */
  function fill(seeders: number, leechers: number): void {
    for (let n = 0; n < seeders; n++) store.putSeeder(A, peer(n));
    for (let n = seeders; n < seeders + leechers; n++) store.putLeecher(A, peer(n));
  }

  it.each([
    [8192, 8192],
    [16_383, 1],
    [1, 16_383],
  ])('finds the one peer it prefers among %i seeders and %i leechers, on either side', async (s, l) => {
    fill(s, l);
    for (const near of [0, s - 1, s, s + l - 1]) {
      const one = new Counting((n) => (n === near ? 1 : 2));
      const { peers } = await offer(store, A, peer(50_000), false, 10, one);
      expect(peers[0]).toBe(name(peer(near)));
      expect(new Set(peers).size).toBe(10);
      expect(one.asked).toBe(16_384);
    }
  });

  it('looks at no more than a part of a larger swarm, half of it on either side', async () => {
    fill(10_000, 10_000);
    const preference = new Counting(nobody);
    const { peers } = await offer(store, A, peer(1), false, 50, preference);
    expect(new Set(peers).size).toBe(50);
    expect(preference.asked).toBeGreaterThanOrEqual(2048);
    expect(preference.asked).toBeLessThan(2048 + 2 * 32);

    const leechers = new Counting((n) => (n < 10_000 ? 2 : 0));
    const given = await offer(store, A, peer(1), false, 50, leechers);
    expect(given.peers.every((entry) => Number(entry.split(':')[1]) >= 1024 + 10_000)).toBe(true);
  });

  it('counts only those that may be given: a seeder among few leechers has them all looked at', async () => {
    fill(20_000, 300);
    const preference = new Counting((n) => (n === 20_123 ? 0 : 2));
    const { peers } = await offer(store, A, peer(5), true, 50, preference);
    expect(peers[0]).toBe(name(peer(20_123)));
    expect(preference.asked).toBe(300);
  });

  it('has one side looked at for what the other side does not need', async () => {
    fill(3, 20_000);
    const preference = new Counting((n) => (n === 2 ? 0 : 2));
    const { peers } = await offer(store, A, peer(50_000), false, 50, preference);
    expect(peers[0]).toBe(name(peer(2)));
    expect(preference.asked).toBeGreaterThanOrEqual(2048);
    expect(preference.asked).toBeLessThan(2048 + 2 * 32);
  });

  it('ends the search when the nearest level has enough, and asks no more about levels that have', async () => {
    fill(0, 16_000);
    const near = new Counting((n) => (n % 2 === 0 ? 0 : 1));
    await offer(store, A, peer(50_000), true, 30, near);
    expect(near.asked).toBeLessThanOrEqual(4 * 32);

    let askedForFarthest = 0;
    const farther: PeerPreference = {
      levels: 2,
      sift(...[, , , count, below, found]) {
        if (below < 2) return 0;
        askedForFarthest += count;
        for (let i = 0; i < count; i++) found.set([i, 1], 2 * i);
        return count;
      },
    };
    expect(new Set((await offer(store, A, peer(50_000), true, 30, farther)).peers).size).toBe(30);
    expect(askedForFarthest).toBeLessThanOrEqual(2 * 32);
  });

  it('finds about as much of what is side by side as of what is spread', async () => {
    fill(0, 40_000);
    // What lies side by side is found or not as a whole, 21 ± 15 at a time: the mean of so many is off by 4 never.
    const OFFERS = 1000;
    const found = async (isNear: (n: number) => boolean) => {
      let sum = 0;
      const preference = new Counting((n) => (isNear(n) ? 0 : 2));
      for (let i = 0; i < OFFERS; i++) {
        const { peers } = await offer(store, A, peer(50_000), true, 100, preference);
        sum += peers.filter((entry) => isNear(Number(entry.split(':')[1]) - 1024)).length;
      }
      return sum / OFFERS;
    };
    // 400 of 40,000 in the swarm, so about 20 in a part of 2,048, and one among those that fill up.
    for (const isNear of [(n: number) => n >= 7000 && n < 7400, (n: number) => n % 100 === 7]) {
      const mean = await found(isNear);
      expect(mean).toBeGreaterThan(17);
      expect(mean).toBeLessThan(26);
    }
  });
});
