/** The UDP frontend as a driver. */

import { type ListenAddress, sameAddress } from '../../pkg/listen-address.ts';
import { defineFrontendDriver, type SettleDependencies } from '../frontend.ts';
import { PLACEHOLDER_KEY, type UdpOptions, udpOptions } from './config.ts';
import { NOT_SERVED, UdpFrontend } from './frontend.ts';
import { choosePrivateKey } from './private-key.ts';
import { openSocket } from './socket/open-socket.ts';

export const udpDriver = defineFrontendDriver({
  name: 'udp',
  summary: 'Serves BitTorrent clients over UDP (BEP 15, BEP 41).',
  options: udpOptions,
  socketType: 'dgram',
  open: (options, dependencies) => UdpFrontend.open(options, dependencies),
  async settle(options, dependencies) {
    const { logger } = dependencies;
    if (options.addr === undefined) {
      logger.warn(NOT_SERVED);
      return options;
    }
    const addr = { ...options.addr, port: await settlePort(options, options.addr, dependencies) };
    return { ...options, addr, private_key: settleKey(options, dependencies) };
  },
});

async function settlePort(
  { socket: kind, receive_buffer: receiveBuffer }: UdpOptions,
  addr: ListenAddress,
  { logger, before, bound }: SettleDependencies<UdpOptions>,
): Promise<number> {
  if (sameAddress(addr, before?.given.addr)) return before?.settled.addr?.port as number;
  if (bound?.has('dgram', addr)) return addr.port;
  const socket = await openSocket(addr, { kind, receiveBuffer, reusePort: false }, logger);
  await socket.close();
  return socket.address.port;
}

function settleKey(options: UdpOptions, { logger, before }: SettleDependencies<UdpOptions>): string {
  const key = before?.settled.private_key;
  const given = before?.given.private_key;
  const configured = given !== undefined && given !== PLACEHOLDER_KEY;
  return choosePrivateKey(options, key === undefined ? undefined : { key, configured }, logger).key;
}
