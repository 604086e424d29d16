/**
 * What a frontend knows of the tracker behind it.
 *
 * A frontend parses and sanitises a request, calls `handle…`, writes the answer, and then calls
 * `after…` with the same context, request and response, which is when the announce reaches storage.
 * Every method works synchronously until a hook or the storage returns a promise; only then does it
 * return one. While that promise is pending the three objects belong to the logic.
 *
 * `handle…` throws, or rejects with, a ClientError that is meant for the client; anything else thrown
 * is an internal error, which the client is told only as `internal server error`. `after…` never
 * throws and never rejects: there is nobody left to tell, so failures are logged.
 */

import type { AnnounceRequest, AnnounceResponse } from './announce.ts';
import type { RequestContext } from './context.ts';
import type { ScrapeRequest, ScrapeResponse } from './scrape.ts';

export interface TrackerLogic {
  handleAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void>;
  afterAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void>;
  handleScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void>;
  afterScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void>;
}
