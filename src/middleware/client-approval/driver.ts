/** `client approval`: serves some clients only, or all but some, as their peer ids name them (BEP 20). */

import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import { defineHook, type Hook } from '../middleware.ts';
import { ClientIdSet } from './client-id-set.ts';
import { options } from './config.ts';

export const unapprovedClient = new ClientError('unapproved client');

class ClientApproval implements Hook {
  readonly #listed: ClientIdSet;
  /** What being on the list means. */
  readonly #listedAreApproved: boolean;

  constructor(listed: ClientIdSet, listedAreApproved: boolean) {
    this.#listed = listed;
    this.#listedAreApproved = listedAreApproved;
  }

  handleAnnounce(_context: RequestContext, request: AnnounceRequest): void {
    if (this.#listed.hasClientOf(request.peer.id) !== this.#listedAreApproved) throw unapprovedClient;
  }

  /** A scrape has no peer id. */
  handleScrape(): void {}
}

export const clientApprovalDriver = defineHook({
  name: 'client approval',
  summary: 'Serves only the clients of a whitelist, or all but those of a blacklist.',
  options,
  create({ whitelist, blacklist }) {
    const listedAreApproved = whitelist.length > 0;
    return new ClientApproval(new ClientIdSet(listedAreApproved ? whitelist : blacklist), listedAreApproved);
  },
});
