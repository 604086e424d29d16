/**
 * Who announces what next. Most swarms are announced by one client after another, so that all of each answer is known;
 * their members start, announce again, complete and stop, and in some they vanish; such a swarm dies after a while, and another
 * takes its place. A few large swarms are announced by many at once; most of their members announce once and vanish.
 */

import { randomBytes } from 'node:crypto';
import { Random } from '../../src/pkg/random.ts';
import type { Announced } from './judge-announce.ts';
import { numberedPlace } from './places.ts';
import { type Member, Swarm } from './swarm.ts';
import { View } from './view.ts';

export type Event = 'none' | 'started' | 'completed' | 'stopped';

const SHARED_SWARMS = 4;
/** Percent of announces that go to them. */
const SHARED_SHARE = 20;
/** In each, members that announce more than once. */
const REGULARS = 200;

const MOST_MEMBERS = 24;
/** A swarm of one client after another is announced so often before it dies. */
const FEWEST_ANNOUNCES = 20;
const MOST_ANNOUNCES = 1_000;
/** One swarm in so many has members that vanish; one infohash in so many has a swarm of each family. */
const VANISHING = 8;
const BOTH_FAMILIES = 4;

/** What a request may want, the last as much as the tracker gives to who does not say. */
const NUMWANTS = [0, 5, 30, 50, -1] as const;
const DEFAULT_NUMWANT = 50;

/** An announce to be sent. */
export interface Announce extends Announced {
  readonly swarm: Swarm;
  readonly member: Member;
  readonly event: Event;
  /** As in the request; -1 for one that does not say. */
  readonly asked: number;
  readonly view: View;
}

/** A swarm's place in the population. */
interface Slot {
  swarm: Swarm;
  readonly regulars: number[];
  readonly vanishing: boolean;
  readonly target: number;
  announces: number;
}

export class Population {
  readonly #random = new Random();
  readonly #slots: Slot[];
  readonly #ipv6: boolean;
  /** Of swarms that have died, to be scraped once more. */
  readonly #graves: Swarm[] = [];
  #twin: Buffer | undefined;
  #next = 0;
  #number = 0;
  /** Swarms that there have been. */
  born = 0;

  /** @param swarms announced by one client after another */
  constructor(swarms: number, ipv6: boolean) {
    this.#ipv6 = ipv6;
    this.#slots = Array.from({ length: SHARED_SWARMS + swarms }, (_, i) => this.#slot(i < SHARED_SWARMS));
  }

  get swarms(): readonly Swarm[] {
    return this.#slots.map(({ swarm }) => swarm);
  }

  get members(): number {
    return this.#slots.reduce((sum, { swarm }) => sum + swarm.members.size, 0);
  }

  /** Begins an announce; `undefined` if all that were looked at are busy. */
  announce(now: number): Announce | undefined {
    if (this.#chance(SHARED_SHARE)) return this.#announceShared(this.#random.below(SHARED_SWARMS), now);
    for (let tries = 0; tries < 10; tries++) {
      const index = SHARED_SWARMS + this.#next;
      this.#next = (this.#next + 1) % (this.#slots.length - SHARED_SWARMS);
      const { swarm } = this.#slots[index] as Slot;
      if (swarm.underWay === 0) return this.#announceOwn(index, now);
    }
    return undefined;
  }

  /** A swarm to be scraped. */
  toScrape(): Swarm {
    return this.#graves.pop() ?? (this.#slots[this.#random.below(this.#slots.length)] as Slot).swarm;
  }

  #announceShared(index: number, now: number): Announce {
    const { swarm, regulars } = this.#slots[index] as Slot;
    const place = regulars[this.#random.below(REGULARS)];
    const regular = place === undefined ? undefined : swarm.members.get(place);
    if (this.#chance(50) && regular && !regular.underWay) return this.#again(swarm, regular, now);
    const announce = this.#start(swarm, now);
    if (this.#chance(20)) regulars[this.#random.below(REGULARS)] = announce.place;
    return announce;
  }

  #announceOwn(index: number, now: number): Announce {
    let slot = this.#slots[index] as Slot;
    if (slot.announces-- <= 0 && (slot.vanishing || slot.swarm.members.size === 0)) {
      this.#graves.push(slot.swarm);
      slot = this.#slot(false);
      this.#slots[index] = slot;
    }
    const { swarm, vanishing, target, announces } = slot;
    const [oldest] = swarm.members.values();
    if (!oldest) return this.#start(swarm, now);
    if (announces <= 0 && !vanishing) return this.#begin(swarm, oldest, 'stopped', oldest.seeder, now);
    if (swarm.members.size < target && this.#chance(30)) return this.#start(swarm, now);
    // One in five of those that come has only come to vanish.
    if (vanishing && this.#chance(20)) return this.#start(swarm, now);
    return this.#again(swarm, oldest, now);
  }

  #again(swarm: Swarm, member: Member, now: number): Announce {
    if (this.#chance(10)) return this.#begin(swarm, member, 'stopped', member.seeder, now);
    if (!member.seeder && this.#chance(10)) return this.#begin(swarm, member, 'completed', true, now);
    return this.#begin(swarm, member, 'none', member.seeder, now);
  }

  #start(swarm: Swarm, now: number): Announce {
    let place: number;
    do place = numberedPlace(this.#number++, swarm.ipv6);
    while (swarm.members.has(place) || swarm.departed.has(place));
    const peerId = `-SK10D0-${String(this.#number).padStart(12, '0')}`;
    const seeder = this.#chance(30);
    const member = { place, peerId, seeder, underWay: false, heardAt: now, settledAt: now };
    return this.#begin(swarm, member, 'started', seeder, now);
  }

  #begin(swarm: Swarm, member: Member, event: Event, seeder: boolean, now: number): Announce {
    const asked = NUMWANTS[this.#random.below(NUMWANTS.length)] as number;
    const numwant = event === 'stopped' ? 0 : asked === -1 ? DEFAULT_NUMWANT : asked;
    const view = new View(swarm, now, member);
    swarm.begin(member, event === 'completed', now);
    return { swarm, member, event, seeder, asked, numwant, view, place: member.place };
  }

  #slot(shared: boolean): Slot {
    this.born++;
    const twin = shared ? undefined : this.#twin;
    const infohash = twin ?? randomBytes(20);
    if (!shared)
      this.#twin = !twin && this.#ipv6 && this.#random.below(BOTH_FAMILIES) === 0 ? infohash : undefined;
    return {
      swarm: new Swarm(infohash, twin !== undefined, shared),
      regulars: [],
      vanishing: this.#random.below(VANISHING) === 0,
      target: 1 + this.#random.below(MOST_MEMBERS),
      announces: FEWEST_ANNOUNCES + this.#random.below(MOST_ANNOUNCES - FEWEST_ANNOUNCES),
    };
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }
}

/** The answer to an announce has come, and what it does is done. */
export function settle({ swarm, member, event, seeder }: Announce, now: number): void {
  if (event === 'stopped') swarm.leave(member, now);
  else swarm.settle(member, seeder, event === 'completed', now);
}
