/** The options of `torrent approval`. */

import { z } from 'zod';
import { expected, flag, text } from '../../pkg/options.ts';
import { approvalLists } from '../approval-lists.ts';

const WHAT = 'an infohash of 40 hexadecimal digits, in quotes';

const infohash = z
  .string({ error: (issue) => expected(WHAT, issue.input) })
  .regex(/^[0-9a-f]{40}$/i, { error: (issue) => expected(WHAT, issue.input) });

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
