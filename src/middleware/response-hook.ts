/** Fills the answer from storage: the last hook before it is written. */

import type { AnnounceRequest, AnnounceResponse } from '../bittorrent/announce.ts';
import type { RequestContext } from '../bittorrent/context.ts';
import { AnnounceEvent } from '../bittorrent/event.ts';
import type { ScrapeRequest, ScrapeResponse, SwarmCounts } from '../bittorrent/scrape.ts';
import { isPromise } from '../pkg/maybe-promise.ts';
import type { PeerStore } from '../storage/storage.ts';
import type { Hook } from './middleware.ts';

export class ResponseHook implements Hook {
  readonly #store: PeerStore;

  constructor(store: PeerStore) {
    this.#store = store;
  }

  handleAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void> {
    if (context.skipResponseHook) return;
    const numwant = peersWanted(request);
    const known = this.#store.announcePeers(
      request.infohash,
      request.peer,
      request.seeder,
      numwant,
      response,
      context.peerPreference,
    );
    if (isPromise(known)) return finishAnnounce(known, request, response);
    introduceSelf(known, request, response);
  }

  handleScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void> {
    if (context.skipResponseHook) return;
    const { infohashes, family } = request;
    const { files } = response;
    // A PreHook may have cut the request.
    if (files.length !== infohashes.length) response.reset(infohashes.length);
    for (let i = 0; i < infohashes.length; i++) {
      const infohash = infohashes[i] as ScrapeRequest['infohashes'][number];
      const result = this.#store.scrapeSwarm(infohash, family, files[i] as SwarmCounts);
      if (isPromise(result)) return this.#scrapeRest(i + 1, result, request, response);
    }
  }

  /** Asks for the swarms from `index` on all at once: a store behind a network answers them in one trip. */
  async #scrapeRest(
    index: number,
    first: Promise<void>,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): Promise<void> {
    const rest = request.infohashes.slice(index);
    await Promise.all([
      first,
      ...rest.map(async (infohash, i) =>
        this.#store.scrapeSwarm(infohash, request.family, response.files[index + i] as SwarmCounts),
      ),
    ]);
  }
}

/** A peer that leaves wants none. */
function peersWanted(request: AnnounceRequest): number {
  return request.event === AnnounceEvent.Stopped ? 0 : request.numwant;
}

async function finishAnnounce(
  known: Promise<boolean>,
  request: AnnounceRequest,
  response: AnnounceResponse,
): Promise<void> {
  introduceSelf(await known, request, response);
}

/**
 * Some clients take an answer without peers for a failure: one that wanted peers and got none is given
 * itself, and is counted unless it is counted already.
 */
function introduceSelf(known: boolean, request: AnnounceRequest, response: AnnounceResponse): void {
  if (response.peers.count > 0 || peersWanted(request) === 0) return;
  response.peers.add(request.peer);
  if (known) return;
  if (request.seeder) response.complete++;
  else response.incomplete++;
}
