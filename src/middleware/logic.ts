/**
 * The tracker between frontends and storage.
 *
 *     handle…   intervals ── PreHooks ── response hook      reads the store
 *               (the frontend writes the answer)
 *     after…    PostHooks ── swarm interaction hook         writes to the store
 *
 * An answer therefore shows the swarm as it was before this announce.
 *
 * Who logs: whatever `handle…` throws that is no ClientError is a HookError, which names the hook
 * and which the frontend logs; what fails in `after…` is logged here.
 */

import type { AnnounceRequest, AnnounceResponse } from '../bittorrent/announce.ts';
import type { RequestContext } from '../bittorrent/context.ts';
import type { ScrapeRequest, ScrapeResponse } from '../bittorrent/scrape.ts';
import type { TrackerLogic } from '../bittorrent/tracker-logic.ts';
import { FailureLog } from '../pkg/failure-log.ts';
import type { Logger } from '../pkg/logger.ts';
import type { PeerStore } from '../storage/storage.ts';
import { AnnounceCounts } from './announce-counts.ts';
import { HookChain, HookError, type NamedHook } from './hook-chain.ts';
import type { HookTimes } from './hook-times.ts';
import { ResponseHook } from './response-hook.ts';
import { SwarmInteractionHook } from './swarm-interaction-hook.ts';

export interface LogicOptions {
  readonly store: PeerStore;
  /** In the order configured. */
  readonly preHooks: readonly NamedHook[];
  /** In the order configured. */
  readonly postHooks: readonly NamedHook[];
  /** Milliseconds; clients are told whole seconds. */
  readonly announceInterval: number;
  /** Milliseconds; clients are told whole seconds. */
  readonly minAnnounceInterval: number;
  readonly logger: Logger;
  /** With it, hooks are timed. */
  readonly hookTimes?: HookTimes | undefined;
}

export class Logic implements TrackerLogic {
  readonly announces = new AnnounceCounts();
  readonly #interval: number;
  readonly #minInterval: number;
  readonly #before: HookChain;
  readonly #after: HookChain;
  readonly #configured: readonly NamedHook[];
  readonly #logger: Logger;
  readonly #failures: FailureLog;

  constructor(options: LogicOptions) {
    const { store, preHooks, postHooks, hookTimes } = options;
    const before = [...preHooks, { name: 'response', hook: new ResponseHook(store) }];
    const after = [...postHooks, { name: 'swarm interaction', hook: new SwarmInteractionHook(store) }];
    this.#interval = seconds(options.announceInterval);
    this.#minInterval = seconds(options.minAnnounceInterval);
    this.#before = new HookChain(hookTimes?.timed('prehook', before) ?? before, 'pass');
    this.#after = new HookChain(hookTimes?.timed('posthook', after) ?? after, 'wrap');
    this.#configured = [...preHooks, ...postHooks];
    this.#logger = options.logger;
    this.#failures = new FailureLog(options.logger);
  }

  handleAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void> {
    response.interval = this.#interval;
    response.minInterval = this.#minInterval;
    return this.#before.announce(context, request, response);
  }

  afterAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void> {
    this.announces.count(request);
    try {
      const result = this.#after.announce(context, request, response);
      if (result) return result.catch((error) => this.#logFailure(error));
    } catch (error) {
      this.#logFailure(error);
    }
  }

  handleScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void> {
    response.reset(request.infohashes.length);
    return this.#before.scrape(context, request, response);
  }

  afterScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void> {
    try {
      const result = this.#after.scrape(context, request, response);
      if (result) return result.catch((error) => this.#logFailure(error));
    } catch (error) {
      this.#logFailure(error);
    }
  }

  /**
   * Stops the configured hooks in their order, to be called after the last request. The store is its
   * owner's to stop. Never rejects: a hook that fails to stop is logged, and the next one is stopped.
   */
  async stop(): Promise<void> {
    for (const { name, hook } of this.#configured) {
      try {
        await hook.stop?.();
      } catch (error) {
        this.#logger.error({ hook: name, err: error }, 'a hook failed to stop');
      }
    }
  }

  #logFailure(error: unknown): void {
    const fields = error instanceof HookError ? { hook: error.hook, err: error.cause } : { err: error };
    this.#failures.log('a hook failed after the answer', fields);
  }
}

/** At least 1: an interval of 0 makes clients hammer. */
function seconds(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds / 1000));
}
