/** The least that every request must have gone through before the logic sees it. */

import type { AnnounceRequest } from './announce.ts';
import { type ClientError, invalidPort } from './client-error.ts';
import type { ScrapeRequest } from './scrape.ts';

/** The limits a frontend is configured with. */
export interface RequestLimits {
  /** Most peers given for one announce. */
  readonly maxNumwant: number;
  /** Peers given to a client that does not say how many. */
  readonly defaultNumwant: number;
  /** Most swarms told of in one scrape. */
  readonly maxScrapeInfohashes: number;
}

/** Settles `numwant` and refuses port 0. Returns the error instead of throwing it: junk must be cheap. */
export function sanitizeAnnounce(request: AnnounceRequest, limits: RequestLimits): ClientError | undefined {
  if (!request.numwantProvided) request.numwant = limits.defaultNumwant;
  if (request.numwant > limits.maxNumwant) request.numwant = limits.maxNumwant;
  return request.peer.port === 0 ? invalidPort : undefined;
}

/** Cuts the request to its first infohashes. */
export function sanitizeScrape(request: ScrapeRequest, limits: RequestLimits): void {
  request.truncate(limits.maxScrapeInfohashes);
}
