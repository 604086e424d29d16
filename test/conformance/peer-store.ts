/**
 * The conformance suite of the PeerStore contract. A store's test calls it in a line:
 *
 *     describePeerStore('memory', (clock) => MemoryPeerStore.create({ shardCount: 1024, clock: clock }), { ordersUpTo: 16_384 });
 *
 * The store must take its time from the clock, must be empty when it is opened, and is stopped by the suite.
 * Times are told apart by whole seconds.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import { type PeerStore, resourceDoesNotExist } from '../../src/storage/storage.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { announce, responseTo, someInfohash, somePeerId } from '../support/requests.ts';
import { name, offer, peer, scrape } from '../support/store-calls.ts';
import { describePreferences } from './peer-preference.ts';
import { agreesWithOracle, type OpenStore } from './peer-store-model.ts';

const A = someInfohash('a');
const B = someInfohash('b');

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

export interface StoreTraits {
  /** Peers of the largest swarm that the store orders exactly by a preference; 0 if it orders none exactly. */
  readonly ordersUpTo: number;
  /** Of more peers than this, a choice of few is nearly even only: none comes up three times as often as on average, or a tenth as often. */
  readonly evenUpTo?: number;
  /** For a store whose calls take long: few random sequences of calls, and a quarter of the random choices. */
  readonly slow?: boolean;
}

export function describePeerStore(title: string, open: OpenStore, traits: StoreTraits): void {
  const { ordersUpTo, evenUpTo = Number.POSITIVE_INFINITY, slow = false } = traits;
  /** How often a peer is chosen on average. */
  const times = slow ? 100 : 400;
  describe(`${title}: the PeerStore contract`, () => {
    let clock: ManualClock;
    let store: PeerStore;

    beforeEach(async () => {
      clock = new ManualClock();
      store = await open(clock);
    });

    afterEach(() => store.stop());

    it('counts nothing in a swarm that is not there', async () => {
      expect(await offer(store, A, peer(1), false)).toEqual({
        complete: 0,
        incomplete: 0,
        peers: [],
        member: false,
      });
      expect(await scrape(store, A)).toEqual([0, 0, 0]);
    });

    it('gives a leecher seeders and leechers, and a seeder leechers only', async () => {
      await store.putSeeder(A, peer(1));
      await store.putLeecher(A, peer(2));
      expect(await offer(store, A, peer(3), false)).toEqual({
        complete: 1,
        incomplete: 1,
        peers: [name(peer(1)), name(peer(2))],
        member: false,
      });
      expect(await offer(store, A, peer(3), true)).toEqual({
        complete: 1,
        incomplete: 1,
        peers: [name(peer(2))],
        member: false,
      });
    });

    it('never returns the announcer, and says whether it is in the swarm', async () => {
      for (const n of range(0, 200)) await store.putLeecher(A, peer(n));
      for (const n of [0, 1, 100, 127, 128, 199]) {
        for (const numwant of [5, 50, 199, 200]) {
          const { peers, member } = await offer(store, A, peer(n), false, numwant);
          expect(member).toBe(true);
          expect(peers).toHaveLength(Math.min(numwant, 199));
          expect(peers).not.toContain(name(peer(n)));
        }
      }
      expect((await offer(store, A, peer(200), false, 200)).member).toBe(false);
    });

    it('gives seeders before leechers, and no more than are wanted or than fit', async () => {
      for (const n of range(0, 30)) await store.putSeeder(A, peer(n));
      for (const n of range(30, 100)) await store.putLeecher(A, peer(n));
      const seeders = new Set(range(0, 30).map((n) => name(peer(n))));
      const { peers } = await offer(store, A, peer(100), false, 50);
      expect(peers).toHaveLength(50);
      expect(new Set(peers).size).toBe(50);
      expect(new Set(peers.slice(0, 30))).toEqual(seeders);
      expect(peers.slice(30).some((entry) => seeders.has(entry))).toBe(false);
      expect((await offer(store, A, peer(100), false, 10)).peers.every((entry) => seeders.has(entry))).toBe(
        true,
      );
      expect((await offer(store, A, peer(100), false, 0)).peers).toEqual([]);

      const request = announce({ peerId: somePeerId(100) });
      const small = responseTo(request, 7);
      const fits = small.peers.capacity;
      await store.announcePeers(A, request.peer, false, 50, small);
      expect(small.peers.count).toBe(fits);
    });

    it('adds peer ids where they are asked for, in the order of the peers', async () => {
      const ids = new Map(range(0, 150).map((n) => [name(peer(n)), somePeerId(n)]));
      for (const n of range(0, 150)) await store.putLeecher(A, peer(n));
      const request = announce({ peerId: somePeerId(1000) });
      const response = responseTo(request, 200);
      response.peers.includeIds = true;
      await store.announcePeers(A, request.peer, true, 40, response);
      expect(response.peers.count).toBe(40);
      for (const { id, address, port } of response.peers) {
        expect(Buffer.from(id as Uint8Array).toString('latin1')).toBe(ids.get(`${address}:${port}`));
      }
    });

    it('keeps families, and swarms, apart', async () => {
      const six = (n: number) => peer(n, AddressFamily.IPv6);
      await store.putSeeder(A, peer(1));
      await store.putLeecher(A, six(2));
      await store.putLeecher(A, six(3));
      expect(await scrape(store, A)).toEqual([1, 0, 0]);
      expect(await scrape(store, A, AddressFamily.IPv6)).toEqual([0, 2, 0]);
      expect((await offer(store, A, six(4), true)).peers.sort()).toEqual([name(six(2)), name(six(3))]);
      expect((await offer(store, A, peer(4), false)).peers).toEqual([name(peer(1))]);
      expect(await scrape(store, B)).toEqual([0, 0, 0]);
    });

    it('tells peers apart by id, address and port', async () => {
      const base = { peerId: somePeerId(1), address: '10.0.0.1', port: 1000 };
      await store.putLeecher(A, announce(base).peer);
      await store.putLeecher(A, announce({ ...base, peerId: somePeerId(2) }).peer);
      await store.putLeecher(A, announce({ ...base, address: '10.0.0.2' }).peer);
      await store.putLeecher(A, announce({ ...base, port: 1001 }).peer);
      await store.putLeecher(A, announce(base).peer);
      expect(await scrape(store, A)).toEqual([0, 4, 0]);
    });

    it('has a peer on one side only', async () => {
      await store.putLeecher(A, peer(1));
      await store.putSeeder(A, peer(1));
      expect(await scrape(store, A)).toEqual([1, 0, 0]);
      await store.putLeecher(A, peer(1));
      expect(await scrape(store, A)).toEqual([0, 1, 0]);
    });

    it('deletes from the side named, and reports what is not there', async () => {
      await store.putSeeder(A, peer(1));
      await store.putLeecher(A, peer(2));
      expect(await store.deleteLeecher(A, peer(1))).toBe(resourceDoesNotExist);
      expect(await store.deleteSeeder(A, peer(2))).toBe(resourceDoesNotExist);
      expect(await store.deleteSeeder(B, peer(1))).toBe(resourceDoesNotExist);
      expect(await store.deleteSeeder(A, peer(1, AddressFamily.IPv6))).toBe(resourceDoesNotExist);
      expect(await scrape(store, A)).toEqual([1, 1, 0]);
      expect(await store.deleteSeeder(A, peer(1))).toBeUndefined();
      expect(await store.deleteLeecher(A, peer(2))).toBeUndefined();
      expect(await store.deleteLeecher(A, peer(2))).toBe(resourceDoesNotExist);
      expect(await scrape(store, A)).toEqual([0, 0, 0]);
    });

    it('counts a snatch once for a peer, and remembers it without peers', async () => {
      await store.putLeecher(A, peer(1));
      await store.graduateLeecher(A, peer(1));
      await store.graduateLeecher(A, peer(1));
      expect(await scrape(store, A)).toEqual([1, 0, 1]);
      await store.putLeecher(A, peer(1));
      await store.graduateLeecher(A, peer(1));
      expect(await scrape(store, A)).toEqual([1, 0, 1]);
      await store.graduateLeecher(A, peer(2));
      expect(await scrape(store, A)).toEqual([2, 0, 2]);
      await store.deleteSeeder(A, peer(1));
      await store.deleteSeeder(A, peer(2));
      expect(await scrape(store, A)).toEqual([0, 0, 2]);
      await store.putLeecher(A, peer(3));
      expect(await scrape(store, A)).toEqual([0, 1, 2]);
    });

    it('collects who has not announced since the cutoff, and nobody else', async () => {
      const six = (n: number) => peer(n, AddressFamily.IPv6);
      for (const n of range(0, 300)) await store.putLeecher(A, peer(n));
      for (const n of range(0, 10)) await store.putSeeder(B, six(n));
      clock.advance(10_000);
      for (const n of range(100, 110)) await store.putSeeder(A, peer(n));
      for (const n of range(110, 120)) await store.putLeecher(A, peer(n));
      await store.graduateLeecher(A, peer(120));
      await store.collectGarbage(clock.now() - 20_000);
      expect(await scrape(store, A)).toEqual([11, 289, 1]);
      await store.collectGarbage(clock.now() - 5_000);
      expect(await scrape(store, A)).toEqual([11, 10, 1]);
      expect(await scrape(store, B, AddressFamily.IPv6)).toEqual([0, 0, 0]);
      const expected = range(100, 121).map((n) => name(peer(n)));
      expect((await offer(store, A, peer(1), false)).peers.sort()).toEqual(expected.sort());
    });

    it('forgets snatches a cutoff after the last peer has gone', async () => {
      await store.graduateLeecher(A, peer(1));
      clock.advance(10_000);
      await store.collectGarbage(clock.now() - 5_000);
      expect(await scrape(store, A)).toEqual([0, 0, 1]);
      clock.advance(10_000);
      await store.collectGarbage(clock.now() - 5_000);
      expect(await scrape(store, A)).toEqual([0, 0, 0]);
    });

    it('evicts the peers of swarms that are not kept, where it can', async ({ skip }) => {
      if (!store.evict) return skip('this store cannot evict');
      const six = (n: number) => peer(n, AddressFamily.IPv6);
      for (const n of range(0, 300)) await store.putLeecher(A, peer(n));
      await store.putSeeder(A, six(1));
      await store.graduateLeecher(A, peer(1));
      for (const n of range(0, 10)) await store.putSeeder(B, peer(n));
      const asked = new Set<string>();
      await store.evict(({ hex }) => {
        asked.add(hex);
        return hex === B.hex;
      });
      expect(asked).toEqual(new Set([A.hex, B.hex]));
      expect(await scrape(store, A, AddressFamily.IPv6)).toEqual([0, 0, 0]);
      expect(await scrape(store, B)).toEqual([10, 0, 0]);
      expect(await store.totals()).toEqual({ infohashes: 1, seeders: 10, leechers: 0 });
      // As when the last peer has left: snatches are remembered for a while, and peers may come again.
      expect(await scrape(store, A)).toEqual([0, 0, 1]);
      await store.putLeecher(A, peer(1));
      expect((await offer(store, A, peer(2), false)).peers).toEqual([name(peer(1))]);
      await store.evict(() => true);
      expect(await store.totals()).toEqual({ infohashes: 2, seeders: 10, leechers: 1 });
    });

    it('adds up its totals', async () => {
      await store.putSeeder(A, peer(1));
      await store.putLeecher(A, peer(2));
      await store.putLeecher(A, peer(2, AddressFamily.IPv6));
      await store.putLeecher(B, peer(3));
      expect(await store.totals()).toEqual({ infohashes: 3, seeders: 1, leechers: 3 });
      await store.graduateLeecher(B, peer(3));
      await store.deleteSeeder(B, peer(3));
      expect(await store.totals()).toEqual({ infohashes: 2, seeders: 1, leechers: 2 });
    });

    it.each([
      { size: 20, numwant: 15 },
      { size: 60, numwant: 7 },
      { size: 129, numwant: 50 },
      { size: 1000, numwant: 30 },
    ])('chooses $numwant of $size peers so that each is as likely as the next', async ({ size, numwant }) => {
      for (const n of range(0, size)) await store.putLeecher(A, peer(n));
      const announcer = peer(size >> 1);
      const draws = Math.ceil((times * size) / numwant);
      const seen = new Map<string, number>();
      for (let i = 0; i < draws; i++) {
        const { peers } = await offer(store, A, announcer, true, numwant);
        expect(new Set(peers).size).toBe(numwant);
        for (const entry of peers) seen.set(entry, (seen.get(entry) ?? 0) + 1);
      }
      expect(seen.size).toBe(size - 1);
      const p = numwant / (size - 1);
      const mean = draws * p;
      // Seven standard deviations: a false alarm in some ten million runs.
      const bound = 7 * Math.sqrt(draws * p * (1 - p));
      if (size <= evenUpTo) {
        for (const chosen of seen.values()) expect(Math.abs(chosen - mean)).toBeLessThan(bound);
      } else {
        expect(Math.min(...seen.values())).toBeGreaterThan(mean / 10);
        expect(Math.max(...seen.values())).toBeLessThan(mean * 3);
      }
    });

    it('agrees with a naive store on any sequence of calls', { timeout: 120_000 }, () =>
      agreesWithOracle(open, ordersUpTo, undefined, slow),
    );

    describePreferences(open, ordersUpTo);
  });
}
