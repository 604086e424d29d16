/** Options that every frontend has, to be spread into its schema, and the limits they make. */

import type { RequestLimits } from '../bittorrent/sanitize.ts';
import { count, duration, flag, limit } from '../pkg/options.ts';
import { type SourceRate, sourceRate } from './source-rate.ts';

export const requestOptions = {
  allow_ip_spoofing: flag(
    false,
    'Whether a client may name the address it is to be known by, instead of the one its packets come from.',
  ),
  enable_request_timing: flag(false, 'Whether the time that requests take is measured.'),
  max_numwant: count(100, 'Most peers returned for one announce.'),
  default_numwant: count(50, 'Peers returned to a client that does not say how many it wants.'),
  max_scrape_infohashes: count(
    50,
    'Most swarms told of in one scrape; the ones named after them are left out.',
  ),
  source_announce_rate: limit(
    'Most announces and scrapes a second that each worker takes from one source: an IPv4 address, or an IPv6 network of 64 bits.',
  ),
  source_burst: duration(
    '1m',
    'How much of its rates a source may ask for at once, after a silence: at 10 a second and a burst of 1m, 600 requests.',
  ),
};

/** What `requestOptions` come out as, as far as requests are limited by them. */
export interface RequestOptions {
  readonly max_numwant: number;
  readonly default_numwant: number;
  readonly max_scrape_infohashes: number;
  readonly source_announce_rate: number;
  readonly source_burst: number;
}

export function requestLimits(options: RequestOptions): RequestLimits {
  return {
    maxNumwant: options.max_numwant,
    defaultNumwant: options.default_numwant,
    maxScrapeInfohashes: options.max_scrape_infohashes,
  };
}

/** @param before the one in force */
export function announceRate(options: RequestOptions, before: SourceRate): SourceRate {
  return sourceRate({ rate: options.source_announce_rate, burst: options.source_burst }, before);
}
