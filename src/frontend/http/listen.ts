/** Binding a TCP socket, with an error that an operator can act on. */

import { type AddressInfo, createServer, type Server } from 'node:net';
import { noteClosed } from '../../pkg/descriptors.ts';
import { type Libc, lastError, loadLibc } from '../../pkg/libc.ts';
import { bindHost, formatHostPort, type ListenAddress } from '../../pkg/listen-address.ts';
import { bindSocket, SOCK_STREAM } from '../../pkg/reuse-port.ts';
import { PRIVILEGED_PORT } from '../privileged-port.ts';

type Protocol = 'http' | 'https';

/** The kernel cuts it to what the system allows (net.core.somaxconn): clients come in bursts. */
const BACKLOG = 4096;

const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

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

/** @throws Error that names the address and the reason */
export async function listen(
  server: Server,
  protocol: Protocol,
  address: ListenAddress,
  options: ListenOptions,
): Promise<void> {
  await onHost(protocol, address, async (ip) => bind(server, await target(ip, address.port, options)));
}

/**
 * The descriptor of a socket that listens, for plain HTTP, and does not block. The caller's to close.
 *
 * @throws Error as `listen`
 */
export function listenByCalls(libc: Libc, address: ListenAddress, options: ListenOptions): Promise<number> {
  return onHost('http', address, async (ip) => {
    const fd = options.descriptor ?? bindSocket(libc, SOCK_STREAM, ip, address.port, options.reusePort);
    // One that is bound already may be of any kind.
    libc.fcntl(fd, F_SETFL, libc.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
    if (libc.listen(fd, BACKLOG) === 0) return fd;
    const error = lastError(libc, 'listen');
    libc.close(fd);
    throw error;
  });
}

/** Has `bind` try what an address stands for. */
async function onHost<T>(
  protocol: Protocol,
  { host, port }: ListenAddress,
  bind: (ip: string) => Promise<T>,
): Promise<T> {
  try {
    return await bindHost(host, bind);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const where = formatHostPort(host ?? '', port);
    const reason = REASONS.has(code) ? `${REASONS.get(code)} (${code})` : message;
    throw new Error(`cannot listen on ${where} for ${protocol.toUpperCase()}: ${reason}`, { cause: error });
  }
}

/**
 * The ports that the addresses can be bound at, with nobody else there: as given, or what the system gives
 * for 0. All are bound before any is let go again.
 *
 * @throws Error as `listen`
 */
export async function settlePorts(
  wanted: readonly (readonly [Protocol, ListenAddress])[],
): Promise<number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    for (const [protocol, address] of wanted) {
      const server = createServer();
      servers.push(server);
      await listen(server, protocol, address, { reusePort: false });
      ports.push((server.address() as AddressInfo).port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}

/** What a server is to listen on: an address, or a socket that is bound already. */
type Target = { readonly host: string; readonly port: number } | { readonly fd: number };

async function target(ip: string, port: number, { reusePort, descriptor }: ListenOptions): Promise<Target> {
  if (descriptor === undefined && !reusePort) return { host: ip, port };
  const fd = descriptor ?? bindSocket(await loadLibc(), SOCK_STREAM, ip, port, true);
  noteClosed(fd);
  return { fd };
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
