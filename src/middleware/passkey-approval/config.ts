/** The options of `passkey approval`. */

import { z } from 'zod';
import { expecting, flag, listOf, nameInUrl, text } from '../../pkg/options.ts';
import { isPasskey, PASSKEY } from './passkey.ts';

const WANTED = expecting(`${PASSKEY}, in quotes`);

const passkey = z.string(WANTED).refine((value) => isPasskey(Buffer.from(value)), WANTED);

export const options = z
  .strictObject({
    keys: listOf(passkey, 'Passkeys that are served. They are never logged.', { secret: true }),
    keys_file: text(
      'A file of more passkeys, one a line; what follows a `#` is a comment. Read anew when it changes. Keys or a file must be given; an empty file approves nobody.',
      { example: '/etc/chihaya/passkeys.txt' },
    ),
    route_parameter: nameInUrl(
      'passkey',
      'The parameter of an HTTP route that is the passkey, as in `/:passkey/announce`.',
    ),
    query_parameter: nameInUrl(
      'passkey',
      'The parameter of the query that is the passkey where the route has none, also in the URL data of UDP.',
    ),
    protect_scrape: flag(
      true,
      'Whether scrapes need a passkey, too. Scrapes over UDP cannot have one: they are then refused.',
    ),
  })
  .refine(({ keys, keys_file }) => keys.length > 0 || keys_file !== undefined, {
    path: ['keys_file'],
    error: 'expected keys or a keys_file, found neither',
  });
