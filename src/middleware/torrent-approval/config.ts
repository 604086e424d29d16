/** The options of `torrent approval`. */

import { z } from 'zod';
import { expecting, flag, text } from '../../pkg/options.ts';
import { approvalLists } from '../approval-lists.ts';

const WANTED = expecting('an infohash of 40 hexadecimal digits, in quotes');

const infohash = z.string(WANTED).regex(/^[0-9a-f]{40}$/i, WANTED);

export const options = approvalLists(
  infohash,
  'torrents, by infohash,',
  '["a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5"]',
  {
    whitelist_directory: text(
      'A directory of `.torrent` files, whose torrents belong to the whitelist. Files may come and go.',
    ),
    blacklist_directory: text('The same for the blacklist.'),
    evict: flag(
      false,
      'Whether the peers of a torrent are removed when it is no longer approved; otherwise they go when they have not announced for long.',
    ),
  },
);
