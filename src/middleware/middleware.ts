/**
 * The contract of a hook: a rule that every request passes, before (PreHook) or after (PostHook) its
 * answer is written.
 *
 * A PreHook may change the response, leave values in the context for a PostHook, set the context's
 * switches, or end the request by throwing a ClientError, whose text the client is told. Anything
 * else it throws is an internal error: logged with the hook's name, told as `internal server error`.
 *
 * A hook that has nothing to wait for returns nothing; returning a promise makes the whole request
 * asynchronous, which costs far more than most hooks do. Both methods are called for many requests
 * between which asynchronous hooks may be waiting: state belongs in the context.
 */

import type { z } from 'zod';
import type { AnnounceRequest, AnnounceResponse } from '../bittorrent/announce.ts';
import type { RequestContext } from '../bittorrent/context.ts';
import type { ScrapeRequest, ScrapeResponse } from '../bittorrent/scrape.ts';
import type { Logger } from '../pkg/logger.ts';

export interface Hook {
  handleAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void>;
  handleScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void>;
  /** Called once, after the last request, when the tracker stops. */
  stop?(): void | Promise<void>;
}

/** What a hook is made with besides its options. */
export interface HookDependencies {
  readonly logger: Logger;
}

/** A kind of hook: a folder here, and a line in `drivers.ts`. */
export interface HookDriver<Schema extends z.ZodType = z.ZodType> {
  /** The `name` in the configuration. */
  readonly name: string;
  /** One sentence for the generated documentation. */
  readonly summary: string;
  /** The schema of `options`: strict, with defaults. */
  readonly options: Schema;
  create(options: z.output<Schema>, dependencies: HookDependencies): Hook | Promise<Hook>;
}

/** Ties the type of `create`'s options to the schema. */
export function defineHookDriver<Schema extends z.ZodType>(driver: HookDriver<Schema>): HookDriver<Schema> {
  return driver;
}
