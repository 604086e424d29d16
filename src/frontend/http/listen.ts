/** Binding a TCP socket, with an error that an operator can act on. */

import type { AddressInfo, Server } from 'node:net';
import { formatHostPort, type ListenAddress } from '../../pkg/options.ts';
import type { BoundAddress } from '../frontend.ts';

/** Both families on one socket; where the system has no IPv6, IPv4. */
const ANY = ['::', '0.0.0.0'] as const;

const REASONS = new Map([
  ['EADDRINUSE', 'another process, or another part of this one, listens there'],
  ['EADDRNOTAVAIL', 'this host has no such address'],
  ['EACCES', 'ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)'],
  ['ENOTFOUND', 'the name is not known'],
]);

/** @throws Error that names the address and the reason */
export async function listen(
  server: Server,
  protocol: 'http' | 'https',
  address: ListenAddress,
): Promise<BoundAddress> {
  const hosts = address.host === undefined ? ANY : [address.host];
  for (const [i, host] of hosts.entries()) {
    try {
      await bind(server, host, address.port);
      const bound = server.address() as AddressInfo;
      return { protocol, host: bound.address, port: bound.port };
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (i + 1 < hosts.length && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) continue;
      const where = formatHostPort(address.host ?? '', address.port);
      const reason = REASONS.has(code) ? `${REASONS.get(code)} (${code})` : message;
      throw new Error(`cannot listen on ${where} for ${protocol.toUpperCase()}: ${reason}`, { cause: error });
    }
  }
  throw new Error('unreachable: the last host either binds or throws');
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The backlog is cut to what the system allows (net.core.somaxconn): clients come in bursts.
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
