/** `torrent approval`: serves some torrents only, or all but some. */

import type { z } from 'zod';
import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { ClientError } from '../../bittorrent/client-error.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import { DigestSet } from '../../pkg/digest-set.ts';
import { isWhitelist } from '../approval-lists.ts';
import { FileList, InlineList, type ListPart } from '../list-part.ts';
import { ListSource } from '../list-source.ts';
import { defineHook, type Hook, type Shared, type SourceDependencies } from '../middleware.ts';
import { options } from './config.ts';
import { Eviction } from './eviction.ts';
import { infohashList } from './infohash-list.ts';
import { TorrentDirectory } from './torrent-directory.ts';

export const unapprovedTorrent = new ClientError('unapproved torrent');

const NAME = 'torrent approval';

/** The memory of the lists: of the configuration, of a file, of a directory. */
type Lists = readonly SharedArrayBuffer[];

class TorrentApproval implements Hook {
  #lists: readonly DigestSet[];
  /** What being on a list means. */
  readonly #listedAreApproved: boolean;

  constructor(shared: Shared<Lists>, listedAreApproved: boolean) {
    this.#lists = shared.value.map(DigestSet.open);
    this.#listedAreApproved = listedAreApproved;
    shared.onChange((lists) => {
      this.#lists = lists.map(DigestSet.open);
    });
  }

  handleAnnounce(_context: RequestContext, request: AnnounceRequest): void {
    if (isListed(this.#lists, request.infohash) !== this.#listedAreApproved) throw unapprovedTorrent;
  }

  /** As in the original: the counts of a torrent are no secret. */
  handleScrape(): void {}
}

function isListed(lists: readonly DigestSet[], { words }: Infohash): boolean {
  for (let i = 0; i < lists.length; i++) if ((lists[i] as DigestSet).has(words)) return true;
  return false;
}

async function share(
  config: z.output<typeof options>,
  dependencies: SourceDependencies<Lists>,
): Promise<ListSource<SharedArrayBuffer, Lists>> {
  const { whitelist, blacklist, whitelist_file, blacklist_file } = config;
  const inline = [...whitelist, ...blacklist];
  const file = whitelist_file ?? blacklist_file;
  const directory = config.whitelist_directory ?? config.blacklist_directory;
  const parts: ListPart<SharedArrayBuffer>[] = [];
  if (inline.length > 0) parts.push(new InlineList(inline, infohashList()));
  if (file !== undefined) parts.push(new FileList(file, infohashList()));
  if (directory !== undefined) parts.push(new TorrentDirectory(directory));
  const listedAreApproved = isWhitelist(config);
  const eviction = config.evict
    ? new Eviction(dependencies, () => {
        const lists = parts.map(({ value }) => DigestSet.open(value));
        return (infohash) => isListed(lists, infohash) === listedAreApproved;
      })
    : undefined;
  return ListSource.open(
    { hook: NAME, parts, combine: (lists): Lists => lists, follower: eviction },
    dependencies,
  );
}

export const torrentApprovalDriver = defineHook({
  name: NAME,
  summary: 'Serves only the torrents of a whitelist, or all but those of a blacklist.',
  options,
  share,
  create: (config, { shared }) => new TorrentApproval(shared, isWhitelist(config)),
});
