/** The `jwt` hook with a token that it remembers, and the query of an announce that shows it. */

import { RequestContext } from '../../src/bittorrent/context.ts';
import type { NamedHook } from '../../src/middleware/hook-chain.ts';
import { jwtDriver } from '../../src/middleware/jwt/driver.ts';
import { AUDIENCE, ISSUER, KeyServer, SigningKey } from '../../test/support/key-server.ts';
import { openHook } from '../../test/support/open-hook.ts';
import { announce, responseTo } from '../../test/support/requests.ts';
import { setInfohash } from './numbered.ts';

/** For the infohash with the number 0. */
export async function rememberedToken(): Promise<{ readonly hook: NamedHook; readonly query: Buffer }> {
  const key = await SigningKey.make('key');
  const server = await KeyServer.start([key.jwk]);
  const options = { issuer: ISSUER, audience: AUDIENCE, jwk_set_url: server.url };
  const { hook } = await openHook(jwtDriver, options);
  await server.stop();

  const request = announce();
  setInfohash(request.infohash, 0);
  const token = await key.token(request.infohash.hex);
  const query = Buffer.from(
    `info_hash=${'%AA'.repeat(20)}&peer_id=-TR4050-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=0&compact=1&jwt=${token}`,
  );
  request.params.assign(query, 0, 0, 0, query.length);
  await hook.handleAnnounce(new RequestContext(), request, responseTo(request));
  return { hook: { name: jwtDriver.name, hook }, query };
}
