/**
 * Which peers an announcer is to be given first: a level for each candidate, 0 the nearest.
 *
 * A PreHook leaves one in the request's context, the response hook hands it to the store. It orders within a
 * bounded effort: of a large swarm a store may look at a part, and a store that cannot support preferences
 * ignores them. It rules nothing out: where the nearest are not enough, others fill up the answer.
 *
 * A preference knows nothing of a request but what `sift` is given, so that one object serves all requests,
 * those too that wait at the same time.
 */

import type { Peer } from './peer.ts';

/** The most levels that a preference may have: stores keep what they find by level. */
export const MAX_LEVELS = 8;

export interface PeerPreference {
  /** How many levels there are, 1 to MAX_LEVELS. A candidate that is on none of them is preferred to none. */
  readonly levels: number;
  /**
   * Finds the candidates on the levels below `below`. They are looked at by the run, not one by one, because a
   * store does so for each announce: in a run a candidate costs a nanosecond or two, a call takes longer.
   *
   * @param announcer whose neighbours are looked for; of the candidates' family
   * @param compact has the candidates' compact entries (BEP 23, BEP 7) side by side, as halfwords in the
   *   machine's own order: 3 (IPv4) or 9 (IPv6) each, laid out as `Peer.halfwords` is behind the peer id
   * @param at the halfword that the first entry begins at
   * @param count how many candidates there are
   * @param below 1 to `levels`: what the caller still wants to know
   * @param found for each one found, in their order, its index (from 0 on), then its level; has room for all
   * @returns how many were found
   */
  sift(
    announcer: Peer,
    compact: Uint16Array,
    at: number,
    count: number,
    below: number,
    found: Int32Array,
  ): number;
}
