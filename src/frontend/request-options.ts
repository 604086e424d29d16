/** Options that every frontend has, to be spread into its schema, and the limits they make. */

import type { RequestLimits } from '../bittorrent/sanitize.ts';
import { count, flag } from '../pkg/options.ts';

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
};

/** What `requestOptions` come out as, as far as requests are limited by them. */
export interface RequestOptions {
  readonly max_numwant: number;
  readonly default_numwant: number;
  readonly max_scrape_infohashes: number;
}

export function requestLimits(options: RequestOptions): RequestLimits {
  return {
    maxNumwant: options.max_numwant,
    defaultNumwant: options.default_numwant,
    maxScrapeInfohashes: options.max_scrape_infohashes,
  };
}
