/** The soak's judge lets every right answer pass, and no wrong one. */

import { describe, expect, test } from 'vitest';
import { type AnnounceAnswer, type Announced, judgeAnnounce } from '../../bench/soak/judge-announce.ts';
import { type Member, Swarm } from '../../bench/soak/swarm.ts';
import { View } from '../../bench/soak/view.ts';

const A = 1;
const B = 2;
const C = 3;
const D = 4;

const member = (place: number, seeder: boolean): Member => ({
  place,
  peerId: `-SK10D0-${String(place).padStart(12, '0')}`,
  seeder,
  underWay: false,
  heardAt: 0,
  settledAt: 0,
});

/** A is a seeder, B and C are leechers, all of them since `at`. */
function swarmOf({ at = 0 } = {}): { swarm: Swarm; a: Member; b: Member; c: Member } {
  const swarm = new Swarm(Buffer.alloc(20), false, false);
  const members = { a: member(A, true), b: member(B, false), c: member(C, false) };
  for (const each of Object.values(members)) {
    swarm.begin(each, false, at);
    swarm.settle(each, each.seeder, false, at);
  }
  return { swarm, ...members };
}

const answer = (complete: number, incomplete: number, ...places: number[]): AnnounceAnswer => ({
  interval: 1000,
  complete,
  incomplete,
  peers: places.map((place) => ({ place })),
});

/** What is wrong with the answer to an announce at `at` that is answered at once. */
function fault(swarm: Swarm, own: Member, announced: Partial<Announced>, given: AnnounceAnswer, at = 1000) {
  const view = new View(swarm, at, own);
  swarm.begin(own, false, at);
  const asked = { place: own.place, seeder: own.seeder, numwant: 50, ...announced };
  return judgeAnnounce(view, asked, given, at)?.[0];
}

describe('a new leecher', () => {
  const judged = (given: AnnounceAnswer, numwant = 50) =>
    fault(swarmOf().swarm, member(D, false), { numwant }, given);

  test('is given everybody, or as many as it wants', () => {
    expect(judged(answer(1, 2, C, A, B))).toBeUndefined();
    expect(judged(answer(1, 2, A, C), 2)).toBeUndefined();
    expect(judged(answer(1, 2), 0)).toBeUndefined();
  });

  test.each<[string, AnnounceAnswer]>([
    ['wrong seeders in an announce', answer(2, 2, A, B, C)],
    ['wrong leechers in an announce', answer(1, 3, A, B, C)],
    ['a wrong number of peers', answer(1, 2, A, B)],
    ['a wrong number of peers', answer(1, 2)],
    ['a peer is given that is not in the swarm', answer(1, 2, A, B, 5)],
    ['a peer is given that is not in the swarm', answer(1, 2, A, B, Number.NaN)],
    ['a peer is given twice', answer(1, 2, A, B, B)],
    ['an announcer is given itself among others', answer(1, 2, A, B, D)],
    ['an announcer is given itself', answer(1, 2, D)],
  ])('%s', (expected, given) => {
    expect(judged(given)).toBe(expected);
  });

  test('is told the ids of its peers', () => {
    const given = (peerId: string) => ({
      ...answer(1, 2, A, B),
      peers: [A, B, C].map((place) => ({ place, peerId })),
    });
    expect(judged(given('-SK10D0-somebody els'))).toBe('a peer is given with a wrong id');
  });
});

test('a member that announces again is counted once and not given to itself', () => {
  const { swarm, b } = swarmOf();
  expect(fault(swarm, b, {}, answer(1, 2, A, C))).toBeUndefined();
  expect(fault(swarmOf().swarm, b, {}, answer(1, 3, A, C))).toBe('wrong leechers in an announce');
});

test('a seeder is given leechers alone', () => {
  const { swarm } = swarmOf();
  expect(fault(swarm, member(D, true), {}, answer(1, 2, B, C))).toBeUndefined();
  expect(fault(swarmOf().swarm, member(D, true), {}, answer(1, 2, A, B))).toBe('a seeder is given a seeder');
});

test('who is alone is given itself, and counted once', () => {
  const empty = () => new Swarm(Buffer.alloc(20), false, false);
  expect(fault(empty(), member(D, false), {}, answer(0, 1, D))).toBeUndefined();
  expect(fault(empty(), member(D, false), {}, answer(0, 0, D))).toBe('wrong leechers in an announce');
  expect(fault(empty(), member(D, true), {}, answer(0, 1, D))).toBe('wrong seeders in an announce');
  expect(fault(empty(), member(D, false), {}, answer(0, 0))).toBe('a wrong number of peers');
});

test('a member is sure, then in doubt, then gone', () => {
  const judged = (at: number, given: AnnounceAnswer) =>
    fault(swarmOf().swarm, member(D, false), {}, given, at);
  const all = answer(1, 2, A, B, C);
  const none = answer(0, 1, D);
  expect([judged(18_000, all), judged(18_000, none)]).toEqual([undefined, 'an announcer is given itself']);
  expect([judged(20_000, all), judged(20_000, none)]).toEqual([undefined, undefined]);
  expect([judged(34_001, all), judged(34_001, none)]).toEqual(['a wrong number of peers', undefined]);
});

test('whoever announces meanwhile may count or not', () => {
  const counted = (complete: number, incomplete: number) => {
    const { swarm, b } = swarmOf();
    // B has asked to be a seeder, and has no answer yet.
    swarm.begin(b, true, 500);
    return fault(swarm, member(D, false), { numwant: 0 }, answer(complete, incomplete));
  };
  expect([counted(1, 2), counted(2, 1), counted(1, 1)]).toEqual([undefined, undefined, undefined]);
  expect(counted(3, 1)).toBe('wrong seeders in an announce');
  expect(counted(1, 3)).toBe('wrong leechers in an announce');
});

test('who has left before the request is not given, who leaves meanwhile may be', () => {
  const left = (at: number) => {
    const { swarm, c } = swarmOf();
    swarm.begin(c, false, at);
    swarm.leave(c, at);
    return swarm;
  };
  const judged = (swarm: Swarm, given: AnnounceAnswer) =>
    fault(swarm, member(D, false), { numwant: 2 }, given);
  expect(judged(left(999), answer(1, 1, A, C))).toBe('a peer is given that is not in the swarm');

  const { swarm, c } = swarmOf();
  const view = new View(swarm, 1000, member(D, false));
  swarm.begin(member(D, false), false, 1000);
  swarm.begin(c, false, 1001);
  swarm.leave(c, 1002);
  const announced = { place: D, seeder: false, numwant: 2 };
  expect(judgeAnnounce(view, announced, answer(1, 2, A, C), 1003)).toBeUndefined();
  expect(judgeAnnounce(view, announced, answer(1, 0, A), 1003)?.[0]).toBe('wrong leechers in an announce');
});

test('snatches are counted, may be under way, and are forgotten with an empty swarm', () => {
  const { swarm, b } = swarmOf();
  swarm.begin(b, true, 1000);
  expect(new View(swarm, 1001).bounds(1001).snatches).toEqual({ least: 0, most: 1 });
  swarm.settle(b, true, true, 1002);
  expect(new View(swarm, 1003).bounds(1003).snatches).toEqual({ least: 1, most: 1 });
  expect(new View(swarm, 60_000).bounds(60_000)).toEqual({
    seeders: { least: 0, most: 0 },
    leechers: { least: 0, most: 0 },
    snatches: { least: 0, most: 1 },
  });
});
