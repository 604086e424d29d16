/** `torrent approval`: serves some torrents only, or all but some. */

import { randomFillSync } from 'node:crypto';
import type { z } from 'zod';
import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import { isWhitelist } from '../approval-lists.ts';
import { type FingerprintLists, ListLookup } from '../list-lookup.ts';
import { type ListPart, listParts } from '../list-part.ts';
import { ListSource } from '../list-source.ts';
import { defineHook, type Hook, type Shared, type SourceDependencies } from '../middleware.ts';
import { options } from './config.ts';
import { Eviction } from './eviction.ts';
import { infohashList } from './infohash-list.ts';
import { TorrentDirectory } from './torrent-directory.ts';

export const unapprovedTorrent = new ClientError('unapproved torrent');

const NAME = 'torrent approval';

class TorrentApproval implements Hook {
  readonly #lists: ListLookup;
  /** What being on a list means. */
  readonly #listedAreApproved: boolean;

  constructor(shared: Shared<FingerprintLists>, listedAreApproved: boolean) {
    this.#lists = new ListLookup(shared.value, INFOHASH_LENGTH);
    this.#listedAreApproved = listedAreApproved;
    shared.onChange((lists) => this.#lists.replace(lists));
  }

  handleAnnounce(_context: RequestContext, request: AnnounceRequest): void {
    if (isListed(this.#lists, request.infohash) !== this.#listedAreApproved) throw unapprovedTorrent;
  }

  /** As in the original: the counts of a torrent are no secret. */
  handleScrape(): void {}
}

function isListed(lists: ListLookup, { words }: Infohash): boolean {
  const { fingerprint } = lists;
  for (let i = 0; i < words.length; i++) fingerprint.input[i] = words[i] as number;
  fingerprint.make(INFOHASH_LENGTH);
  return lists.isListed();
}

async function share(
  config: z.output<typeof options>,
  dependencies: SourceDependencies<FingerprintLists>,
): Promise<ListSource<SharedArrayBuffer, FingerprintLists>> {
  const { whitelist, blacklist, whitelist_file, blacklist_file } = config;
  const directory = config.whitelist_directory ?? config.blacklist_directory;
  const key = randomFillSync(new Int32Array(4));
  const parts: ListPart<SharedArrayBuffer>[] = listParts(
    [...whitelist, ...blacklist],
    whitelist_file ?? blacklist_file,
    () => infohashList(key),
  );
  if (directory !== undefined) parts.push(new TorrentDirectory(directory, key));
  const combine = (lists: readonly SharedArrayBuffer[]): FingerprintLists => ({ key, lists });

  const listedAreApproved = isWhitelist(config);
  const eviction = config.evict
    ? new Eviction(dependencies, () => {
        const lists = new ListLookup(combine(parts.map(({ contents }) => contents.value)), INFOHASH_LENGTH);
        return (infohash) => isListed(lists, infohash) === listedAreApproved;
      })
    : undefined;
  return ListSource.open({ hook: NAME, parts, combine, follower: eviction }, dependencies);
}

export const torrentApprovalDriver = defineHook({
  name: NAME,
  summary: 'Serves only the torrents of a whitelist, or all but those of a blacklist.',
  options,
  share,
  create: (config, { shared }) => new TorrentApproval(shared, isWhitelist(config)),
});
