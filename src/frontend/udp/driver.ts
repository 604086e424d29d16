/** The UDP frontend as a driver. */

import { randomBytes } from 'node:crypto';
import { defineFrontendDriver } from '../frontend.ts';
import { PLACEHOLDER_KEY, udpOptions } from './config.ts';
import { UdpFrontend } from './frontend.ts';
import { openSocket } from './socket/open-socket.ts';

export const udpDriver = defineFrontendDriver({
  name: 'udp',
  summary: 'Serves BitTorrent clients over UDP (BEP 15, BEP 41).',
  options: udpOptions,
  async open(options, dependencies) {
    if (options.addr === undefined) {
      dependencies.logger.warn('udp.addr is not set: UDP is not served');
      return { addresses: [], stop: async () => {} };
    }
    let privateKey = options.private_key;
    if (privateKey === undefined || privateKey === PLACEHOLDER_KEY) {
      dependencies.logger.warn(
        "udp.private_key is not set (the example file's text counts as none): a random one is used until the next start. " +
          "Set it to a secret text so that clients keep their connection IDs over a restart, and trackers behind one address accept each other's",
      );
      privateKey = randomBytes(32).toString('base64');
    }
    const socket = await openSocket(
      options.addr,
      { kind: options.socket, receiveBuffer: options.receive_buffer, reusePort: false },
      dependencies.logger,
    );
    return new UdpFrontend(socket, privateKey, options, dependencies);
  },
});
