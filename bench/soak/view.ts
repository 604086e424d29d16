/**
 * What an answer may say of a swarm: begun when the request is sent, asked when its answer is there. The answer shows
 * the swarm at some moment in between. Who was in doubt at the first moment may or may not be in it, and so may whoever began
 * an announce meanwhile or became old. Where nothing of this happened, the bounds are one number.
 */

import { isSure, type Member, type Swarm } from './swarm.ts';

/** Both inclusive. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

export interface Bounds {
  readonly seeders: Range;
  readonly leechers: Range;
  readonly snatches: Range;
}

/** An announcer as it is in the swarm before its announce. */
interface Known {
  readonly seeder: boolean;
  readonly heardAt: number;
  readonly sure: boolean;
}

export class View {
  readonly swarm: Swarm;
  readonly at: number;
  readonly known: Known | undefined;
  readonly #begun: number;
  readonly #doubtful: number;
  readonly #seeders: Range;
  readonly #leechers: Range;
  readonly #snatches: Range;

  /** @param announcer whose announce begins right after */
  constructor(swarm: Swarm, now: number, announcer?: Member) {
    const doubtful = swarm.survey(now);
    const { counts, underWay, snatches } = swarm;
    const { place, heardAt = 0, seeder = false } = announcer ?? {};
    this.swarm = swarm;
    this.at = now;
    const sure = isSure(heardAt, now);
    this.known = place !== undefined && swarm.members.has(place) ? { seeder, heardAt, sure } : undefined;
    this.#begun = swarm.begun + (announcer ? 1 : 0);
    this.#doubtful = doubtful + swarm.forgotten - (this.known && !sure ? 1 : 0);
    this.#seeders = { least: counts.seeders - swarm.doubtful.seeders, most: counts.seeders + underWay };
    this.#leechers = { least: counts.leechers - swarm.doubtful.leechers, most: counts.leechers + underWay };
    this.#snatches = { least: swarm.snatchesAtLeast(now), most: snatches.most + snatches.underWay };
  }

  bounds(now: number): Bounds {
    const { swarm } = this;
    const begun = swarm.begun - this.#begun;
    const aged = Math.max(0, swarm.survey(now) + swarm.forgotten - this.#doubtful);
    const lost = begun + aged + (this.hasAged(now) ? 1 : 0);
    const widen = ({ least, most }: Range) => ({ least: Math.max(0, least - lost), most: most + begun });
    return {
      seeders: widen(this.#seeders),
      leechers: widen(this.#leechers),
      snatches: {
        least: Math.min(this.#snatches.least, swarm.snatchesAtLeast(now)),
        most: this.#snatches.most + begun,
      },
    };
  }

  /** Whether the announcer may have been collected between its request and the answer. */
  hasAged(now: number): boolean {
    return this.known?.sure === true && !isSure(this.known.heardAt, now);
  }
}
