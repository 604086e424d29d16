/**
 * A thread that is ended within a call on a shared store, over and over, at any call or loop of it. It is a thread in
 * name only: `node:vm` ends what runs too long by the very means by which a worker is terminated.
 */

import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { AddressFamily } from '../../../src/bittorrent/address-family.ts';
import type { Infohash } from '../../../src/bittorrent/infohash.ts';
import type { Peer } from '../../../src/bittorrent/peer.ts';
import { systemClock } from '../../../src/pkg/clock.ts';
import { Random } from '../../../src/pkg/random.ts';
import type { ThreadLocks } from '../../../src/storage/memory/locks.ts';
import { MemoryPeerStore } from '../../../src/storage/memory/peer-store.ts';
import { StoreMemory } from '../../../src/storage/memory/store-memory.ts';
import { announce, responseTo, someInfohash } from '../../support/requests.ts';
import { name, offer, peer, scrape } from '../../support/store-calls.ts';

const GUEST = 2;

/** Deaths with a lock held, as most are on a machine that is idle, and a fifth on one that is busy. */
const IN_THE_MIDST = 600;

/** Peers that stay, in a swarm of each family: those that come and go, small ones, one that becomes large and small again, large ones. */
const CHANGING = 350;
const SIZES = [0, 1, 12, CHANGING, 600];

/** Peers of each swarm that come, change sides and go: for a while nearly all come, then nearly all go. */
const RESTLESS = 200;

/** A swarm is large from 513 peers on, and small again with 384. */
const HIGH = 512;
const LOW = 384;
/** Tides that turn, each when all have come or gone that were to. */
const TURNS = 40;

interface Member {
  readonly seeder: boolean;
  /** The number of the call that brought him. */
  readonly since: number;
}

interface Swarm {
  readonly infohash: Infohash;
  /** First those that stay. */
  readonly peers: readonly Peer[];
  /** Which of the peers are in it. */
  readonly members: Map<number, Member>;
  /** Those who have completed it, by what brought them: who goes and comes again may complete it again. */
  readonly snatches: Set<number>;
}

interface Call {
  readonly kind: 'putSeeder' | 'putLeecher' | 'graduateLeecher' | 'delete';
  readonly swarm: Swarm;
  readonly n: number;
  readonly number: number;
}

const KINDS = ['putSeeder', 'putLeecher', 'graduateLeecher', 'delete'] as const;
/** Of so many calls one goes against the tide. */
const AGAINST = 10;

function perform(store: MemoryPeerStore, { kind, swarm, n }: Call): void {
  const { infohash } = swarm;
  const who = swarm.peers[n] as Peer;
  if (kind !== 'delete') store[kind](infohash, who);
  else if (store.deleteSeeder(infohash, who)) store.deleteLeecher(infohash, who);
}

/** Notes what a call has done. It may be noted twice, and after a beginning was noted. */
function note({ kind, swarm, n, number }: Call): void {
  const { members, snatches } = swarm;
  if (kind === 'delete') {
    members.delete(n);
    return;
  }
  const since = members.get(n)?.since ?? number;
  members.set(n, { seeder: kind !== 'putLeecher', since });
  if (kind === 'graduateLeecher') snatches.add(since);
}

/** Ends `work` at some call or loop. Nothing of it runs any more, not even `finally`. */
function endInTheMidst(work: () => void): void {
  expect(() => runInNewContext('work()', { work }, { timeout: 1 })).toThrow('timed out');
}

const response = responseTo(announce());

/** Whether exactly these are in the swarm, each once and on his side, with the id he came with. */
async function check(store: MemoryPeerStore, { infohash, peers, members, snatches }: Swarm): Promise<void> {
  const stranger = peer(5000, peers[0]?.family);
  const all = await offer(store, infohash, stranger, false, 1000);
  // A seeder is given leechers alone.
  const leechers = await offer(store, infohash, stranger, true, 1000);
  const expected = [...members].map(([n, { seeder }]) => ({ who: peers[n] as Peer, seeder }));
  const expectedLeechers = expected.filter(({ seeder }) => !seeder);
  const names = (of: typeof expected) => of.map(({ who }) => name(who)).toSorted();
  expect(all.peers.toSorted()).toEqual(names(expected));
  expect(leechers.peers.toSorted()).toEqual(names(expectedLeechers));
  expect(await scrape(store, infohash, stranger.family)).toEqual([
    expected.length - expectedLeechers.length,
    expectedLeechers.length,
    snatches.size,
  ]);
  for (const { who } of expected) {
    if (!store.announcePeers(infohash, who, false, 0, response)) expect.fail(`no ${name(who)} has his id`);
  }
}

test('nobody is lost or mangled, and no lock is held', { timeout: 240_000 }, async () => {
  const host = MemoryPeerStore.create({ shardCount: 1, clock: systemClock, shared: true });
  const locks = host.locks as ThreadLocks;
  let number = 0;
  const swarms = [AddressFamily.IPv4, AddressFamily.IPv6].flatMap((family) =>
    SIZES.map((size): Swarm => {
      const swarm = {
        infohash: someInfohash(`${size} ${family}`),
        peers: Array.from({ length: size + RESTLESS }, (_, n) => peer(n, family)),
        members: new Map(),
        snatches: new Set<number>(),
      };
      for (let n = 0; n < size; n++) {
        const call: Call = { kind: n % 2 === 0 ? 'putSeeder' : 'putLeecher', swarm, n, number: ++number };
        perform(host, call);
        note(call);
      }
      return swarm;
    }),
  );

  const random = new Random();
  let isEbb = false;
  function someCall(): Call {
    const swarm = swarms[random.below(swarms.length)] as Swarm;
    const goes = (random.below(AGAINST) === 0) !== isEbb;
    const kind = goes ? 'delete' : (KINDS[random.below(3)] as Call['kind']);
    return { kind, swarm, n: swarm.peers.length - 1 - random.below(RESTLESS), number: ++number };
  }
  let call = someCall();

  let inTheMidst = 0;
  const changing = swarms.filter(({ peers }) => peers.length === CHANGING + RESTLESS);
  let turns = 0;
  for (let death = 1; inTheMidst < IN_THE_MIDST || turns < TURNS; death++) {
    if (changing.every(({ members }) => (isEbb ? members.size < LOW : members.size > HIGH))) {
      isEbb = !isEbb;
      turns++;
    }
    const memory = StoreMemory.join(host.channelName as string);
    const guest = MemoryPeerStore.open(memory, host.handle(), GUEST, systemClock);
    endInTheMidst(() => {
      for (;;) {
        call = someCall();
        perform(guest, call);
        note(call);
      }
    });
    if (locks.heldBy(GUEST).length > 0) inTheMidst++;
    host.bury(GUEST);
    await guest.stop();
    expect(locks.heldBy(GUEST)).toEqual([]);

    // Who was not answered asks again.
    perform(host, call);
    note(call);
    await check(host, call.swarm);
    const members = swarms.flatMap((swarm) => [...swarm.members.values()]);
    const seeders = members.filter(({ seeder }) => seeder).length;
    expect(host.totals()).toEqual({
      infohashes: swarms.filter((swarm) => swarm.members.size > 0).length,
      seeders,
      leechers: members.length - seeders,
    });
    if (death % 100 === 0) for (const swarm of swarms) await check(host, swarm);
  }
  await host.stop();
});
