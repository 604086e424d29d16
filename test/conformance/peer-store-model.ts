/** The model-based part of the PeerStore suite: random sequences of calls, on the store and on a naive oracle. */

import fc from 'fast-check';
import { expect } from 'vitest';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { Clock } from '../../src/pkg/clock.ts';
import type { MaybePromise } from '../../src/pkg/maybe-promise.ts';
import type { PeerStore } from '../../src/storage/storage.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { NaivePeerStore } from '../support/naive-peer-store.ts';
import { levelOf, sameLastByte } from '../support/preferences.ts';
import { someInfohash } from '../support/requests.ts';
import { name, offer, peer, scrape } from '../support/store-calls.ts';

export type OpenStore = (clock: Clock) => MaybePromise<PeerStore>;
export type ReopenStore = (store: PeerStore, clock: Clock) => Promise<PeerStore>;

const INFOHASHES = [0, 1, 2].map((n) => someInfohash(n));

/** Peers that a swarm here may come to have. */
const LARGEST = 400;

/** The store is closed, and another is opened that has to hold the same. */
const REOPEN = 'reopen';

const KINDS = [
  'putSeeder',
  'putLeecher',
  'graduateLeecher',
  'deleteSeeder',
  'deleteLeecher',
  'announceAsSeeder',
  'announceAsLeecher',
  'crowd',
  'exodus',
  'wait',
  'collect',
  'evict',
] as const;

const step = fc.record({
  kind: fc.constantFrom(...KINDS, REOPEN),
  infohash: fc.constantFrom(...INFOHASHES),
  family: fc.constantFrom(AddressFamily.IPv4, AddressFamily.IPv6),
  /** Few, so that calls meet the same peers again. */
  n: fc.nat({ max: 12 }),
  /** Of `crowd` and `exodus`: how many peers come or go at once, enough to make a swarm large and small again. */
  many: fc.constantFrom(1, 20, 128, 129, 300),
  seconds: fc.integer({ min: 1, max: 40 }),
  numwant: fc.constantFrom(0, 1, 5, 50, 400),
  preference: fc.constantFrom(undefined, sameLastByte),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/**
 * @param ordersUpTo peers of the largest swarm that the store orders exactly by a preference
 * @param reopen how a store that outlasts the process is closed and opened again
 * @param slow a few sequences, so long that each kind of call comes, instead of many of any length
 */
export async function agreesWithOracle(
  open: OpenStore,
  ordersUpTo: number,
  reopen?: ReopenStore,
  slow = false,
): Promise<void> {
  const generated = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: slow ? 70 : 0, maxLength: slow ? 90 : 60, size: 'max' }),
      async (steps) => {
        const clock = new ManualClock();
        let store = await open(clock);
        const oracle = new NaivePeerStore(clock);
        try {
          for (const call of steps) {
            generated.add(call.kind);
            const preference = ordersUpTo < LARGEST ? undefined : call.preference;
            if (call.kind !== REOPEN) await apply({ ...call, preference }, store, oracle, clock);
            else if (reopen) store = await reopen(store, clock);
          }
          for (const infohash of INFOHASHES) {
            for (const family of [AddressFamily.IPv4, AddressFamily.IPv6] as const) {
              expect(await scrape(store, infohash, family)).toEqual(await scrape(oracle, infohash, family));
            }
          }
          expect(await store.totals()).toEqual(oracle.totals());
        } finally {
          await store.stop();
        }
      },
    ),
    { numRuns: slow ? 4 : 150 },
  );
  expect([...generated].sort()).toEqual([...KINDS, REOPEN].sort());
}

async function apply(
  { kind, infohash, family, n, many, seconds, numwant, preference }: Step,
  store: Awaited<ReturnType<OpenStore>>,
  oracle: NaivePeerStore,
  clock: ManualClock,
): Promise<void> {
  const who = peer(n, family);
  switch (kind) {
    case 'putSeeder':
    case 'putLeecher':
    case 'graduateLeecher':
    case 'deleteSeeder':
    case 'deleteLeecher':
      expect(await store[kind](infohash, who)).toBe(oracle[kind](infohash, who));
      break;
    case 'crowd':
      for (let i = n; i < n + many; i++) {
        const put = i % 3 === 0 ? 'putSeeder' : 'putLeecher';
        await store[put](infohash, peer(i, family));
        oracle[put](infohash, peer(i, family));
      }
      break;
    case 'exodus':
      for (let i = n; i < n + many; i++) {
        for (const side of ['deleteSeeder', 'deleteLeecher'] as const) {
          expect(await store[side](infohash, peer(i, family))).toBe(oracle[side](infohash, peer(i, family)));
        }
      }
      break;
    case 'wait':
      clock.advance(seconds * 1000);
      break;
    case 'collect':
      await store.collectGarbage(clock.now() - seconds * 1000);
      await oracle.collectGarbage(clock.now() - seconds * 1000);
      break;
    case 'evict':
      if (!store.evict) break;
      await store.evict(({ hex }) => hex !== infohash.hex);
      await oracle.evict(({ hex }) => hex !== infohash.hex);
      break;
    case 'announceAsSeeder':
    case 'announceAsLeecher': {
      const seeder = kind === 'announceAsSeeder';
      const given = await offer(store, infohash, who, seeder, numwant, preference);
      const all = await offer(oracle, infohash, who, seeder, LARGEST, preference);
      expect([given.complete, given.incomplete, given.member]).toEqual([
        all.complete,
        all.incomplete,
        all.member,
      ]);
      expect(given.peers).toHaveLength(Math.min(numwant, all.peers.length));
      expect(new Set(given.peers).size).toBe(given.peers.length);
      // Which peers they are is the store's choice, but in each place it must be one as good as the oracle's.
      const swarm = oracle.members(infohash, family);
      const ranks = new Map(
        [...swarm].map(([peer, isSeeder]) => [
          name(peer),
          [preference ? levelOf(preference, who, peer) : 0, isSeeder ? 'seeder' : 'leecher'],
        ]),
      );
      expect(given.peers).not.toContain(name(who));
      expect(given.peers.map((entry) => ranks.get(entry))).toEqual(
        all.peers.slice(0, numwant).map((entry) => ranks.get(entry)),
      );
      break;
    }
  }
}
