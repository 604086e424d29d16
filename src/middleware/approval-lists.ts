/** The options of hooks that approve by list: whitelists or blacklists, never both. */

import { z } from 'zod';
import { listOf, text } from '../pkg/options.ts';

/**
 * An empty list in the configuration is no list: without any list everything is approved. An empty file is one.
 *
 * @param entry checks one entry
 * @param what the entries, in the plural, for the descriptions
 * @param example a list as it would be written in YAML
 * @param more options beside; those that begin with `whitelist` or `blacklist` are lists
 */
export function approvalLists<Entry extends z.ZodType, More extends z.ZodRawShape>(
  entry: Entry,
  what: string,
  example: string,
  more: More,
) {
  const lists = {
    whitelist: listOf(
      entry,
      `The only ${what} that are served. Cannot be combined with a blacklist; without any list, all are served.`,
      { example },
    ),
    blacklist: listOf(entry, `The ${what} that are refused. Cannot be combined with a whitelist.`),
    whitelist_file: text(
      `A file of more for the whitelist, an entry a line; what follows a \`#\` is a comment. Read anew when it changes. An empty file approves nothing.`,
    ),
    blacklist_file: text('The same for the blacklist.'),
  };
  return z.strictObject({ ...lists, ...more }).superRefine((options, context) => {
    const [black] = given(options, 'blacklist');
    if (black === undefined || !isWhitelist(options)) return;
    context.addIssue({
      code: 'custom',
      path: [black],
      message: 'expected a whitelist or a blacklist, found both: remove one of them',
    });
  });
}

/** Whether the lists say what is approved, and not what is refused. */
export function isWhitelist(options: object): boolean {
  return given(options, 'whitelist').length > 0;
}

/** The options of one kind that have something in them. */
function given(options: object, kind: 'whitelist' | 'blacklist'): string[] {
  return Object.entries(options)
    .filter(([name, value]) => name.startsWith(kind) && value !== undefined && String(value) !== '')
    .map(([name]) => name);
}
