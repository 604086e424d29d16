/**
 * The objects that a request goes through the logic with. The frontend uses one set again and again for
 * requests that are answered at once; a request that must wait keeps its set, and the frontend takes
 * another.
 */

import type { AddressFamily } from '../../bittorrent/address-family.ts';
import { AnnounceRequest, AnnounceResponse } from '../../bittorrent/announce.ts';
import { RequestContext } from '../../bittorrent/context.ts';
import { ScrapeRequest, ScrapeResponse } from '../../bittorrent/scrape.ts';
import { SLOT } from './socket/socket.ts';

export class Job {
  readonly context = new RequestContext();
  readonly announce = new AnnounceRequest();
  readonly announceResponse = new AnnounceResponse();
  readonly scrape = new ScrapeRequest();
  readonly scrapeResponse = new ScrapeResponse();
  /** Of the request: as it was asked, and what its answer must not exceed. */
  action = 0;
  transactionId = 0;
  limit = 0;
  /** Of the source address, which an announce may replace in `announce.peer`. */
  family: AddressFamily = 4;
  /** When the request was taken up, with request timing; else 0. */
  started = 0;
  /** Where the answer of a request that waits is written; made when it first does. */
  #own: { readonly bytes: Uint8Array; readonly halfwords: Uint16Array } | undefined;

  get ownBytes(): Uint8Array {
    this.#own ??= ownSlot();
    return this.#own.bytes;
  }

  /** Leaves everything that was borrowed from the batch: its answer's slot at `at`, and the packet. */
  detach(output: Uint8Array, at: number, peersAt: number): void {
    this.#own ??= ownSlot();
    this.#own.bytes.set(output.subarray(at, at + SLOT), 0);
    this.announceResponse.peers.target(this.#own.bytes, this.#own.halfwords, peersAt, this.limit - peersAt);
    this.announce.params.retain();
  }
}

function ownSlot() {
  const bytes = new Uint8Array(SLOT);
  return { bytes, halfwords: new Uint16Array(bytes.buffer) };
}
