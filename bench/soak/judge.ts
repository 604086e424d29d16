/** Counts what the load asked and what came of it, and judges what both protocols have in common. */

import type { Complaints } from './complaints.ts';
import type { Configurations } from './configuration.ts';
import { type AnnounceAnswer, type Fault, isIn, judgeAnnounce, say } from './judge-announce.ts';
import type { Announce } from './population.ts';
import type { View } from './view.ts';

export interface Tally {
  asked: number;
  /** Answered, and rightly so. */
  right: number;
}

/** As in the answer to a scrape. */
export interface ScrapedCounts {
  readonly complete: number;
  readonly downloaded: number;
  readonly incomplete: number;
}

export class Judge {
  readonly configurations: Configurations;
  readonly complaints: Complaints;
  readonly tallies = new Map<string, Tally>();

  constructor(configurations: Configurations, complaints: Complaints) {
    this.configurations = configurations;
    this.complaints = complaints;
  }

  asked(what: string): Tally {
    let tally = this.tallies.get(what);
    if (!tally) {
      tally = { asked: 0, right: 0 };
      this.tallies.set(what, tally);
    }
    tally.asked++;
    return tally;
  }

  ended(tally: Tally, fault: Fault | undefined): void {
    if (fault) this.complaints.add(...fault);
    else tally.right++;
  }

  /** @param since the configuration that was in force for certain when it was sent */
  announce(announce: Announce, answer: AnnounceAnswer, since: number): Fault | undefined {
    return (
      this.interval(answer.interval, since) ??
      judgeAnnounce(announce.view, announce, answer, performance.now())
    );
  }

  interval(interval: number, since: number): Fault | undefined {
    if (this.configurations.mayTell(interval, since)) return undefined;
    return ['an interval of no configuration in force', `${interval}, configuration ${since} or later`];
  }

  /** The answer, one with counts if it was served, to somebody who leaves a torrent that is refused by turns. */
  byTurns(
    failure: string,
    { complete, incomplete, peers }: AnnounceAnswer | Record<string, undefined>,
    since: number,
  ): Fault | undefined {
    if (failure === 'unapproved torrent' && this.configurations.mayRefuse(since)) return undefined;
    const served = failure === '' && complete === 0 && incomplete === 0 && peers?.length === 0;
    if (served && this.configurations.mayServe(since)) return undefined;
    return ['a refused torrent', failure || 'it was served'];
  }

  scrape(view: View, counts: ScrapedCounts | undefined): Fault | undefined {
    if (!counts) return ['a scrape without a swarm', ''];
    const { seeders, leechers, snatches } = view.bounds(performance.now());
    for (const [what, value, bounds] of [
      ['seeders', counts.complete, seeders],
      ['leechers', counts.incomplete, leechers],
      ['snatches', counts.downloaded, snatches],
    ] as const) {
      if (!isIn(value, bounds)) return [`wrong ${what} in a scrape`, `${value}, expected ${say(bounds)}`];
    }
    return undefined;
  }
}
