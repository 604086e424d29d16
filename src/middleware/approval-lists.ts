/** The options of hooks that approve by list: a whitelist or a blacklist, never both. */

import { z } from 'zod';
import { listOf } from '../pkg/options.ts';

/**
 * An empty whitelist is no whitelist: without entries in either list everything is approved.
 *
 * @param entry checks one entry
 * @param what the entries, in the plural, for the descriptions
 * @param example a list as it would be written in YAML
 */
export function approvalLists<Entry extends z.ZodType>(entry: Entry, what: string, example: string) {
  return z
    .strictObject({
      whitelist: listOf(
        entry,
        `The only ${what} that are served. Cannot be combined with a blacklist; if both are empty, all are served.`,
        { example },
      ),
      blacklist: listOf(entry, `The ${what} that are refused. Cannot be combined with a whitelist.`),
    })
    .refine(({ whitelist, blacklist }) => whitelist.length === 0 || blacklist.length === 0, {
      path: ['blacklist'],
      error: 'expected a whitelist or a blacklist, found both: remove one of them',
    });
}
