/** The UDP frontend as a driver. */

import { randomBytes } from 'node:crypto';
import type { Logger } from '../../pkg/logger.ts';
import { defineFrontendDriver } from '../frontend.ts';
import { PLACEHOLDER_KEY, type UdpOptions, udpOptions } from './config.ts';
import { UdpFrontend } from './frontend.ts';
import { openSocket, type SocketOptions } from './socket/open-socket.ts';

const NOT_SERVED = 'udp.addr is not set: UDP is not served';

export const udpDriver = defineFrontendDriver({
  name: 'udp',
  summary: 'Serves BitTorrent clients over UDP (BEP 15, BEP 41).',
  options: udpOptions,
  async open(options, dependencies) {
    const { addr } = options;
    const { logger, reusePort } = dependencies;
    if (addr === undefined) {
      // Of several workers none needs to say what `settle` has said.
      if (!reusePort) logger.warn(NOT_SERVED);
      return { addresses: [], stop: async () => {} };
    }
    const key = privateKey(options, logger);
    const socket = await openSocket(addr, socketOptions(options, reusePort), logger);
    return new UdpFrontend(socket, key, options, dependencies);
  },
  async settle(options, { logger, workers }) {
    const { addr } = options;
    if (addr === undefined) {
      logger.warn(NOT_SERVED);
      return options;
    }
    const private_key = privateKey(options, logger);
    const socket = await openSocket(addr, socketOptions(options, false), logger);
    if (socket.descriptors) tellPool(workers, logger);
    await socket.close();
    return { ...options, addr: { ...addr, port: socket.address.port }, private_key };
  },
});

function socketOptions(options: UdpOptions, reusePort: boolean): SocketOptions {
  return { kind: options.socket, receiveBuffer: options.receive_buffer, reusePort };
}

/** The key that is configured, or a random one. */
function privateKey({ private_key }: UdpOptions, logger: Logger): string {
  if (private_key !== undefined && private_key !== PLACEHOLDER_KEY) return private_key;
  logger.warn(
    "udp.private_key is not set (the example file's text counts as none): a random one is used until the next start. " +
      "Set it to a secret text so that clients keep their connection IDs over a restart, and trackers behind one address accept each other's",
  );
  return randomBytes(32).toString('base64');
}

/** What libuv takes without UV_THREADPOOL_SIZE. */
const POOL_SIZE = 4;

/** Each batched socket keeps a thread of the pool waiting: docs/adr/0006-batched-udp-socket.md. */
function tellPool(workers: number, logger: Logger): void {
  const size = Number(process.env.UV_THREADPOOL_SIZE) || POOL_SIZE;
  if (workers < size) return;
  logger.warn(
    `${workers} workers keep ${workers} threads of libuv's pool, which has ${size}: reading files and looking up names will take seconds. ` +
      `Start with UV_THREADPOOL_SIZE=${workers + POOL_SIZE} in the environment`,
  );
}
