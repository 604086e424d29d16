/**
 * The limits on what a source may ask over UDP, each with a table of its own: sources that are forged, which the last two
 * cannot tell, take no place of those that have proved to be theirs.
 */

import { announceRate } from '../request-options.ts';
import { type SourceRate, sourceRate, unlimited } from '../source-rate.ts';
import type { UdpOptions } from './config.ts';

export interface SourceRates {
  /** Announces and scrapes with a good connection id. */
  readonly announces: SourceRate;
  readonly connects: SourceRate;
  /** Requests without a good id: how many are answered, until there are too many. */
  readonly badIds: SourceRate;
}

export const NO_LIMITS: SourceRates = { announces: unlimited, connects: unlimited, badIds: unlimited };

/** @param before those in force */
export function sourceRates(options: UdpOptions, onBan: () => void, before: SourceRates): SourceRates {
  const burst = options.source_burst;
  const badIds = { rate: options.source_bad_id_rate, burst, ban: options.source_ban_time, onBan };
  return {
    announces: announceRate(options, before.announces),
    connects: sourceRate({ rate: options.source_connect_rate, burst }, before.connects),
    badIds: sourceRate(badIds, before.badIds),
  };
}
