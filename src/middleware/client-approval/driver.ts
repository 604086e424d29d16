/** `client approval`: serves some clients only, or all but some, as their peer ids name them (BEP 20). */

import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import { isWhitelist } from '../approval-lists.ts';
import { listParts } from '../list-part.ts';
import { ListSource } from '../list-source.ts';
import { defineHook, type Hook, type Shared, type SourceDependencies } from '../middleware.ts';
import { ClientIdList } from './client-id-list.ts';
import { ClientIdSet } from './client-id-set.ts';
import { options } from './config.ts';

export const unapprovedClient = new ClientError('unapproved client');

const NAME = 'client approval';

/** Client ids: those of a configuration, those of a file. */
type Ids = readonly (readonly Uint8Array[])[];

class ClientApproval implements Hook {
  #listed: ClientIdSet;
  /** What being on the list means. */
  readonly #listedAreApproved: boolean;

  constructor(shared: Shared<Ids>, listedAreApproved: boolean) {
    this.#listed = new ClientIdSet(shared.value.flat());
    this.#listedAreApproved = listedAreApproved;
    shared.onChange((ids) => {
      this.#listed = new ClientIdSet(ids.flat());
    });
  }

  handleAnnounce(_context: RequestContext, request: AnnounceRequest): void {
    if (this.#listed.hasClientOf(request.peer.id) !== this.#listedAreApproved) throw unapprovedClient;
  }

  /** A scrape has no peer id. */
  handleScrape(): void {}
}

export const clientApprovalDriver = defineHook({
  name: NAME,
  summary: 'Serves only the clients of a whitelist, or all but those of a blacklist.',
  options,
  share({ whitelist, blacklist, whitelist_file, blacklist_file }, dependencies: SourceDependencies<Ids>) {
    const inline = [...whitelist, ...blacklist];
    const parts = listParts(inline, whitelist_file ?? blacklist_file, () => new ClientIdList());
    return ListSource.open({ hook: NAME, parts, combine: (ids): Ids => ids }, dependencies);
  },
  create: (config, { shared }) => new ClientApproval(shared, isWhitelist(config)),
});
