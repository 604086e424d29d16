/**
 * One request and its answer, from the complete head to the last PostHook: the objects that the tracker
 * logic sees, and what the answer depends on. Taken from a pool and given back, so that while nothing
 * waits the same one serves every request, and what does wait shares nothing with anybody.
 */

import type { AddressFamily } from '../../bittorrent/address-family.ts';
import { AnnounceRequest, AnnounceResponse } from '../../bittorrent/announce.ts';
import { RequestContext } from '../../bittorrent/context.ts';
import { PeerList } from '../../bittorrent/peer-list.ts';
import { ScrapeRequest, ScrapeResponse } from '../../bittorrent/scrape.ts';
import { Action } from './routes.ts';

export class Exchange {
  readonly context = new RequestContext();
  readonly announce = new AnnounceRequest();
  readonly announceResponse: AnnounceResponse;
  readonly scrape = new ScrapeRequest();
  readonly scrapeResponse = new ScrapeResponse();
  action: Action = Action.Announce;
  /** The requester's; `undefined` until it is known. */
  family: AddressFamily | undefined;
  /** What the request failed with; `undefined` while it has not. */
  error: unknown;
  /** The answer goes without its body (HEAD). */
  bodiless = false;
  /** The client's wish. */
  keepAlive = false;
  minorVersion: 0 | 1 = 1;
  /** When the head was complete, by `performance.now()`; 0 without request timing. */
  startedAt = 0;

  constructor(maxNumwant: number) {
    this.announceResponse = new AnnounceResponse(new PeerList(maxNumwant));
  }
}

/** Exchanges kept for later. More may be out at once, while hooks are slow; those are left to the collector. */
const SPARE = 256;

export class ExchangePool {
  /** Exchanges taken and not given back. */
  #underWay = 0;
  #onIdle: (() => void) | undefined;
  readonly #spare: Exchange[] = [];
  readonly #maxNumwant: number;

  constructor(maxNumwant: number) {
    this.#maxNumwant = maxNumwant;
  }

  take(): Exchange {
    this.#underWay++;
    return this.#spare.pop() ?? new Exchange(this.#maxNumwant);
  }

  give(exchange: Exchange): void {
    this.#underWay--;
    exchange.context.reset();
    exchange.error = undefined;
    if (this.#spare.length < SPARE) this.#spare.push(exchange);
    if (this.#underWay === 0) this.#onIdle?.();
  }

  /** Resolves when no exchange is under way; to be asked when no more are taken. */
  async idle(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }
}
