/** The options of `jwt`. */

import { z } from 'zod';
import { duration, flag, requiredText, text, textList, textWithDefault } from '../../pkg/options.ts';

/** What verifies with a public key; with a secret one a key set that anybody can read would let anybody sign. */
const ALGORITHMS: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
];

export const options = z
  .strictObject({
    issuer: requiredText('The `iss` that a token must have.', undefined, {
      example: '"https://issuer.example"',
    }),
    audience: requiredText('The `aud` that a token must have, alone or among others.', undefined, {
      example: '"https://tracker.example"',
    }),
    jwk_set_url: requiredText(
      'Where the keys are that verify tokens: a JWK set (RFC 7517), over https or http. Redirects are not followed.',
      (value) => (isKeyUrl(value) ? undefined : 'a URL of https or http, without user and password'),
      { example: '"https://issuer.example/keys"' },
    ),
    jwk_set_update_interval: duration('5m', 'How often the keys are fetched again.'),
    algorithms: textList(
      ['RS256'],
      `The signature algorithms that are accepted, among ${ALGORITHMS.join(', ')}.`,
      (value) => (ALGORITHMS.includes(value) ? undefined : `one of ${ALGORITHMS.join(', ')}`),
    ),
    parameter: textWithDefault(
      'jwt',
      'The parameter of the announce URL, over UDP of its URL data (BEP 41), that bears the token.',
    ),
    header: text(
      'A header of HTTP requests that may bear the token instead, such as `Authorization`, with or without `Bearer` before it.',
    ),
    protect_scrape: flag(
      false,
      'Whether scrapes need a token, too: one for every infohash that is asked for.',
    ),
  })
  .refine(({ algorithms }) => algorithms.length > 0, {
    path: ['algorithms'],
    error: 'expected at least one algorithm, found an empty list',
  });

export type JwtOptions = z.output<typeof options>;

function isKeyUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
