/**
 * Serves only those who know a passkey, which is a part of the announce URL: /PASSKEY/announce. Each user is given
 * a torrent with a URL of their own. The configuration that goes with it:
 *
 *     npm start -- --config examples/passkey-gate.yaml
 */

import { ClientError, defineHook, secret, z } from 'chihaya';

const unknownPasskey = new ClientError('unknown passkey');

export default defineHook({
  name: 'passkey gate',
  // What is secret is shown neither in the log nor in an error.
  options: z.strictObject({ passkeys: secret(z.array(z.string().min(8)).min(1)) }),
  create({ passkeys }) {
    const known = new Set(passkeys);
    const check = (context) => {
      if (!known.has(context.routeParams.get('passkey'))) throw unknownPasskey;
    };
    return { handleAnnounce: check, handleScrape: check };
  },
});
