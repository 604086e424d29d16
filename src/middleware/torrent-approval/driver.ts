/** `torrent approval`: serves some torrents only, or all but some. */

import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import { InfohashSet } from '../../bittorrent/infohash-set.ts';
import { defineHook, type Hook } from '../middleware.ts';
import { options } from './config.ts';

export const unapprovedTorrent = new ClientError('unapproved torrent');

class TorrentApproval implements Hook {
  readonly #listed: InfohashSet;
  /** What being on the list means. */
  readonly #listedAreApproved: boolean;

  constructor(listed: InfohashSet, listedAreApproved: boolean) {
    this.#listed = listed;
    this.#listedAreApproved = listedAreApproved;
  }

  handleAnnounce(_context: RequestContext, request: AnnounceRequest): void {
    if (this.#listed.has(request.infohash) !== this.#listedAreApproved) throw unapprovedTorrent;
  }

  /** As in the original: the counts of a torrent are no secret. */
  handleScrape(): void {}
}

export const torrentApprovalDriver = defineHook({
  name: 'torrent approval',
  summary: 'Serves only the torrents of a whitelist, or all but those of a blacklist.',
  options,
  create({ whitelist, blacklist }) {
    const listedAreApproved = whitelist.length > 0;
    const listed = InfohashSet.fromHex(listedAreApproved ? whitelist : blacklist);
    return new TorrentApproval(listed, listedAreApproved);
  },
});
