/** The part of the PeerStore suite that is about preferences. */

import { describe, expect, it } from 'vitest';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';
import type { PeerStore } from '../../src/storage/storage.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { levelOf, PreferenceByAddress, sameLastByte } from '../support/preferences.ts';
import { announce, responseTo, someInfohash, somePeerId } from '../support/requests.ts';
import { name, offer, peer } from '../support/store-calls.ts';
import type { OpenStore } from './peer-store-model.ts';

const A = someInfohash('a');
const SIZE = 600;

/** Peers 0 to 599, every third a seeder. */
async function fill(store: PeerStore, family: AddressFamily = AddressFamily.IPv4): Promise<void> {
  for (let n = 0; n < SIZE; n++) {
    if (n % 3 === 0) await store.putSeeder(A, peer(n, family));
    else await store.putLeecher(A, peer(n, family));
  }
}

function numbers(family: AddressFamily = AddressFamily.IPv4): ReadonlyMap<string, number> {
  return new Map(Array.from({ length: SIZE }, (_, n) => [name(peer(n, family)), n]));
}

/** @param ordersUpTo peers of the largest swarm that the store orders exactly; 0 if it ignores preferences */
export function describePreferences(open: OpenStore, ordersUpTo: number): void {
  const using = (run: (store: PeerStore) => Promise<void>) => async () => {
    const store = await open(new ManualClock());
    try {
      await run(store);
    } finally {
      await store.stop();
    }
  };

  describe('preferences', () => {
    it.each([AddressFamily.IPv4, AddressFamily.IPv6])(
      'change which peers are given, and nothing else (IPv%i)',
      (family) =>
        using(async (store) => {
          await fill(store, family);
          const known = numbers(family);
          for (const n of [0, 1, 255, 256, SIZE - 1, SIZE]) {
            for (const seeder of [true, false]) {
              for (const numwant of [0, 1, 3, 50, 599, 5000]) {
                const given = await offer(store, A, peer(n, family), seeder, numwant, sameLastByte);
                expect([given.complete, given.incomplete, given.member]).toEqual([200, 400, n < SIZE]);
                const others = (seeder ? 400 : SIZE) - (n < SIZE && !(seeder && n % 3 === 0) ? 1 : 0);
                expect(given.peers).toHaveLength(Math.min(numwant, others));
                expect(new Set(given.peers).size).toBe(given.peers.length);
                for (const entry of given.peers) {
                  const number = known.get(entry) ?? Number.NaN;
                  expect(number).not.toBe(n);
                  expect(number % 3 === 0 && seeder).toBe(false);
                }
              }
            }
          }
        })(),
    );

    it(
      'give no more than fit, with their ids where these are asked for',
      using(async (store) => {
        await fill(store);
        const known = numbers();
        const request = announce({ peerId: somePeerId(SIZE) });
        request.peer.bytes.set(peer(SIZE).bytes);
        const response = responseTo(request, 7);
        response.peers.includeIds = true;
        const fits = response.peers.capacity;
        await store.announcePeers(A, request.peer, false, 50, response, sameLastByte);
        expect(response.peers.count).toBe(fits);
        for (const { id, address, port } of response.peers) {
          const expected = somePeerId(known.get(`${address}:${port}`) as number);
          expect(Buffer.from(id as Uint8Array).toString('latin1')).toBe(expected);
        }
      }),
    );

    it(
      'may be on the farthest levels only, or on none',
      using(async (store) => {
        await fill(store);
        const nobody: PeerPreference = { levels: 1, sift: () => 0 };
        const { peers } = await offer(store, A, peer(SIZE), false, 250, nobody);
        const known = numbers();
        expect(new Set(peers).size).toBe(250);
        expect(peers.slice(0, 200).every((entry) => (known.get(entry) as number) % 3 === 0)).toBe(true);
      }),
    );
  });

  describe.runIf(ordersUpTo >= SIZE)('preferences, in a swarm that is searched as a whole', () => {
    it.each([AddressFamily.IPv4, AddressFamily.IPv6])(
      'put the nearest level first, on each level seeders before leechers (IPv%i)',
      (family) =>
        using(async (store) => {
          await fill(store, family);
          const known = numbers(family);
          for (const n of [0, 7, 255, 256, SIZE - 1, SIZE]) {
            for (const seeder of [true, false]) {
              const rank = (number: number) =>
                2 * levelOf(sameLastByte, peer(n, family), peer(number, family)) + (number % 3 === 0 ? 0 : 1);
              const best = [...known.values()]
                .filter((number) => number !== n && !(seeder && number % 3 === 0))
                .map(rank)
                .sort((a, b) => a - b);
              for (const numwant of [1, 2, 10, 50, 100, 599]) {
                const { peers } = await offer(store, A, peer(n, family), seeder, numwant, sameLastByte);
                expect(peers.map((entry) => rank(known.get(entry) as number))).toEqual(
                  best.slice(0, numwant),
                );
              }
            }
          }
        })(),
    );

    // Each is handed out 400 times on average. How close to that a store comes is its own affair, as long as it
    // is not always the same ones.
    it.each([
      ['that came at once', (n: number) => n >= 200 && n < 400, 100, 1000],
      ['that came now and then', (n: number) => n % 3 === 1, 150, 600],
    ])('choose anew each time among the peers of one level %s', (_, isNear, least, most) =>
      using(async (store) => {
        for (let n = 0; n < SIZE; n++) await store.putLeecher(A, peer(n));
        const preference = new PreferenceByAddress(1, (_announcer, address) =>
          isNear(256 * (address[2] as number) + (address[3] as number)) ? 0 : 1,
        );
        const seen = new Map<string, number>();
        for (let i = 0; i < 4000; i++) {
          const { peers } = await offer(store, A, peer(SIZE), false, 20, preference);
          for (const entry of peers) seen.set(entry, (seen.get(entry) ?? 0) + 1);
        }
        const known = numbers();
        expect([...seen.keys()].every((entry) => isNear(known.get(entry) as number))).toBe(true);
        expect(seen.size).toBe(200);
        for (const times of seen.values()) {
          expect(times).toBeGreaterThan(least);
          expect(times).toBeLessThan(most);
        }
      })(),
    );
  });
}
