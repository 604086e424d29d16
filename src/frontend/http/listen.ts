/** Binding a TCP socket, with an error that an operator can act on. */

import { lookup } from 'node:dns/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { loadLibc } from '../../pkg/libc.ts';
import { formatHostPort, type ListenAddress } from '../../pkg/options.ts';
import { bindSocket, SOCK_STREAM } from '../../pkg/reuse-port.ts';
import type { BoundAddress } from '../frontend.ts';
import { PRIVILEGED_PORT } from '../privileged-port.ts';

/** The kernel cuts it to what the system allows (net.core.somaxconn): clients come in bursts. */
const BACKLOG = 4096;

/** Both families on one socket; where the system has no IPv6, IPv4. */
const ANY = ['::', '0.0.0.0'] as const;

const REASONS = new Map([
  ['EADDRINUSE', 'another process, or another part of this one, listens there'],
  ['EADDRNOTAVAIL', 'this host has no such address'],
  ['EACCES', PRIVILEGED_PORT],
  ['ENOTFOUND', 'the name is not known'],
]);

export interface ListenOptions {
  /** Whether other sockets may be bound to the same address, to share its connections. */
  readonly reusePort: boolean;
  /** Of a socket that is bound there already. */
  readonly descriptor?: number | undefined;
}

/**
 * @throws Error that names the address and the reason
 */
export async function listen(
  server: Server,
  protocol: 'http' | 'https',
  address: ListenAddress,
  options: ListenOptions,
): Promise<BoundAddress> {
  const hosts = address.host === undefined ? ANY : [address.host];
  for (const [i, host] of hosts.entries()) {
    try {
      await bind(server, await target(host, address.port, options));
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

/**
 * The ports that the addresses can be bound at, with nobody else there: as given, or what the system gives
 * for 0. All are bound before any is let go again.
 *
 * @throws Error as `listen`
 */
export async function settlePorts(
  wanted: readonly (readonly ['http' | 'https', ListenAddress])[],
): Promise<number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    for (const [protocol, address] of wanted) {
      const server = createServer();
      servers.push(server);
      ports.push((await listen(server, protocol, address, { reusePort: false })).port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}

/** What a server is to listen on: an address, or a socket that is bound already. */
type Target = { readonly host: string; readonly port: number } | { readonly fd: number };

async function target(host: string, port: number, { reusePort, descriptor }: ListenOptions): Promise<Target> {
  if (descriptor !== undefined) return { fd: descriptor };
  if (!reusePort) return { host, port };
  const { address } = await lookup(host);
  return { fd: bindSocket(await loadLibc(), SOCK_STREAM, address, port, true) };
}

function bind(server: Server, at: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    // With a descriptor Node reads the backlog from the second argument alone.
    if ('fd' in at) server.listen(at, BACKLOG as never);
    else server.listen({ ...at, backlog: BACKLOG });
  });
}
