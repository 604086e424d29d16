/**
 * Writes an announce to storage: the last hook after the answer.
 *
 *     stopped         the peer leaves
 *     completed       the peer becomes a seeder, and the download is counted
 *     left = 0        the peer is a seeder
 *     otherwise       the peer is a leecher
 */

import type { AnnounceRequest } from '../bittorrent/announce.ts';
import type { RequestContext } from '../bittorrent/context.ts';
import { AnnounceEvent } from '../bittorrent/event.ts';
import type { Infohash } from '../bittorrent/infohash.ts';
import type { Peer } from '../bittorrent/peer.ts';
import { isPromise, type MaybePromise } from '../pkg/maybe-promise.ts';
import type { DeleteResult, PeerStore } from '../storage/storage.ts';
import type { Hook } from './middleware.ts';

export class SwarmInteractionHook implements Hook {
  readonly #store: PeerStore;

  constructor(store: PeerStore) {
    this.#store = store;
  }

  handleAnnounce(context: RequestContext, request: AnnounceRequest): void | Promise<void> {
    if (context.skipSwarmInteraction) return;
    const { infohash, peer, event } = request;
    if (event === AnnounceEvent.Stopped) return this.#remove(infohash, peer);
    if (event === AnnounceEvent.Completed) return this.#store.graduateLeecher(infohash, peer);
    if (request.seeder) return this.#store.putSeeder(infohash, peer);
    return this.#store.putLeecher(infohash, peer);
  }

  handleScrape(): void {}

  /** From both sides: a Redis shared with other trackers may know the peer on either. */
  #remove(infohash: Infohash, peer: Peer): MaybePromise<void> {
    const result = this.#store.deleteSeeder(infohash, peer);
    if (isPromise(result)) return this.#removeLater(result, infohash, peer);
    const second = this.#store.deleteLeecher(infohash, peer);
    if (isPromise(second)) return second.then(ignore);
  }

  async #removeLater(first: Promise<DeleteResult>, infohash: Infohash, peer: Peer): Promise<void> {
    await first;
    await this.#store.deleteLeecher(infohash, peer);
  }
}

/** At most one of the two deletions finds its peer. */
function ignore(_result: DeleteResult): void {}
