/**
 * Hooks in their order, passed synchronously for as long as none of them returns a promise.
 *
 *     hook 0 ── hook 1 ── hook 2 ── …            no promise: no await, nothing allocated
 *                  └─ promise ── hook 2 ── …     from here on in an async function
 *
 * The first hook that fails ends the chain.
 */

import type { AnnounceRequest, AnnounceResponse } from '../bittorrent/announce.ts';
import { ClientError } from '../bittorrent/client-error.ts';
import type { RequestContext } from '../bittorrent/context.ts';
import type { ScrapeRequest, ScrapeResponse } from '../bittorrent/scrape.ts';
import { isPromise } from '../pkg/maybe-promise.ts';
import type { Hook } from './middleware.ts';

/** A hook and the name that the operator knows it by. */
export interface NamedHook {
  readonly name: string;
  readonly hook: Hook;
}

/** What a hook threw that is not meant for the client; the original is the `cause`. */
export class HookError extends Error {
  override readonly name = 'HookError';
  /** The failed hook's name. */
  readonly hook: string;

  constructor(hook: string, cause: unknown) {
    super(`hook "${hook}" failed`, { cause });
    this.hook = hook;
  }
}

/** One of the two methods of a hook; the two below are all there are. */
type Method<Request, Response> = (
  hook: Hook,
  context: RequestContext,
  request: Request,
  response: Response,
) => void | Promise<void>;

const handleAnnounce: Method<AnnounceRequest, AnnounceResponse> = (hook, context, request, response) =>
  hook.handleAnnounce(context, request, response);

const handleScrape: Method<ScrapeRequest, ScrapeResponse> = (hook, context, request, response) =>
  hook.handleScrape(context, request, response);

/** Throws, or rejects with, a HookError or (where `clientErrors` is `pass`) a ClientError. */
export class HookChain {
  readonly #hooks: readonly NamedHook[];
  readonly #passClientErrors: boolean;

  /** @param clientErrors `wrap` where there is no client left to tell */
  constructor(hooks: readonly NamedHook[], clientErrors: 'pass' | 'wrap') {
    this.#hooks = hooks;
    this.#passClientErrors = clientErrors === 'pass';
  }

  announce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void> {
    return this.#run(handleAnnounce, context, request, response);
  }

  scrape(context: RequestContext, request: ScrapeRequest, response: ScrapeResponse): void | Promise<void> {
    return this.#run(handleScrape, context, request, response);
  }

  #run<Request, Response>(
    method: Method<Request, Response>,
    context: RequestContext,
    request: Request,
    response: Response,
  ): void | Promise<void> {
    const hooks = this.#hooks;
    let i = 0;
    try {
      for (; i < hooks.length; i++) {
        const result = method((hooks[i] as NamedHook).hook, context, request, response);
        if (isPromise(result)) return this.#resume(i, result, method, context, request, response);
      }
    } catch (error) {
      throw this.#failure(i, error);
    }
  }

  /** Waits for the hook at `index`, then runs those after it. */
  async #resume<Request, Response>(
    index: number,
    result: Promise<void>,
    method: Method<Request, Response>,
    context: RequestContext,
    request: Request,
    response: Response,
  ): Promise<void> {
    const hooks = this.#hooks;
    let i = index;
    try {
      await result;
      for (i++; i < hooks.length; i++) {
        await method((hooks[i] as NamedHook).hook, context, request, response);
      }
    } catch (error) {
      throw this.#failure(i, error);
    }
  }

  #failure(index: number, error: unknown): unknown {
    if (this.#passClientErrors && error instanceof ClientError) return error;
    return new HookError((this.#hooks[index] as NamedHook).name, error);
  }
}
