/**
 * What the load knows of one swarm of one address family: who is in it, and who may be.
 *
 * A member is in doubt in two cases: while a request of it is under way, and from the end of `peer_lifetime` after its last one
 * until collection must have come by. As nobody else announces this swarm, all others are there for certain.
 */

import { COLLECTED_AFTER, PEER_LIFETIME } from './configuration.ts';

/** The store keeps times in whole seconds, and the load's clock is another. */
const SURE_FOR = PEER_LIFETIME - 2_000;

/** Longer than any answer is waited for (milliseconds). */
const REMEMBERED = 30_000;

export interface Member {
  /** Address and port, as one number. */
  readonly place: number;
  readonly peerId: string;
  seeder: boolean;
  underWay: boolean;
  /** When its last request was sent, and when that was over. */
  heardAt: number;
  settledAt: number;
}

export class Swarm {
  readonly infohash: Buffer;
  readonly ipv6: boolean;
  /** Whether several clients announce it at once; otherwise one after another, so that every answer is known exactly. */
  readonly shared: boolean;
  /** In the order in which they were heard of last. */
  readonly members = new Map<number, Member>();
  /** When those left who are not in it any more. */
  readonly departed = new Map<number, number>();
  /** Of members with no request under way. */
  readonly counts = { seeders: 0, leechers: 0 };
  /** Announces under way, all that ever began, and members forgotten because they were too old. */
  underWay = 0;
  begun = 0;
  forgotten = 0;
  /** Snatches that it has at least and at most, and announces under way that count one. */
  readonly snatches = { least: 0, most: 0, underWay: 0 };
  #lastBegun = Number.NEGATIVE_INFINITY;

  constructor(infohash: Buffer, ipv6: boolean, shared: boolean) {
    this.infohash = infohash;
    this.ipv6 = ipv6;
    this.shared = shared;
  }

  /** An announce of `member`, who may be new, is about to be sent. */
  begin(member: Member, completes: boolean, now: number): void {
    if (this.#mayBeForgotten(now)) this.snatches.least = 0;
    if (this.members.delete(member.place)) this.#count(member, -1);
    member.underWay = true;
    member.heardAt = now;
    this.members.set(member.place, member);
    this.underWay++;
    this.begun++;
    if (completes) this.snatches.underWay++;
    this.#lastBegun = now;
  }

  /** Its announce has been answered, and the store knows of it. */
  settle(member: Member, seeder: boolean, completes: boolean, now: number): void {
    this.#end(member, completes, now);
    member.seeder = seeder;
    this.#count(member, 1);
    if (completes) this.snatches.least++;
  }

  /** As `settle`, for a member that has left. */
  leave(member: Member, now: number): void {
    this.#end(member, false, now);
    this.#forget(member.place, now);
  }

  /** Forgets members that are gone for certain. Returns how many of the others may be. */
  survey(now: number): number {
    for (const [place, at] of this.departed) {
      if (now - at < REMEMBERED) break;
      this.departed.delete(place);
    }
    this.doubtful.seeders = 0;
    this.doubtful.leechers = 0;
    for (const member of this.members.values()) {
      if (member.underWay) continue;
      if (isSure(member.heardAt, now)) break;
      if (now - member.settledAt > COLLECTED_AFTER) {
        this.#count(member, -1);
        this.#forget(member.place, now);
        this.forgotten++;
      } else {
        this.doubtful[member.seeder ? 'seeders' : 'leechers']++;
      }
    }
    return this.doubtful.seeders + this.doubtful.leechers;
  }

  /** As the last survey found them. */
  readonly doubtful = { seeders: 0, leechers: 0 };

  /** Snatches are forgotten with a swarm that has been empty for `peer_lifetime`. */
  snatchesAtLeast(now: number): number {
    return this.#mayBeForgotten(now) ? 0 : this.snatches.least;
  }

  #mayBeForgotten(now: number): boolean {
    return !isSure(this.#lastBegun, now);
  }

  #end(member: Member, completes: boolean, now: number): void {
    member.underWay = false;
    member.settledAt = now;
    this.underWay--;
    if (!completes) return;
    this.snatches.underWay--;
    this.snatches.most++;
  }

  #forget(place: number, now: number): void {
    this.members.delete(place);
    this.departed.set(place, now);
  }

  #count(member: Member, by: number): void {
    this.counts[member.seeder ? 'seeders' : 'leechers'] += by;
  }
}

/** Whether a peer last heard of at `heardAt` is in the store for certain. */
export function isSure(heardAt: number, now: number): boolean {
  return now - heardAt <= SURE_FOR;
}
