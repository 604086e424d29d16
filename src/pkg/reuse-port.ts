/**
 * Sockets that share an address with others of this user (SO_REUSEPORT). Linux gives each TCP connection,
 * and all packets of a UDP client, to one of them, chosen by a hash of both addresses. Node 20 has no way to
 * ask for that, but serves a socket that it is handed.
 */

import { type Libc, lastError } from './libc.ts';
import { formatHostPort } from './listen-address.ts';
import { AF_INET, AF_INET6, encodeSocketAddress, SOCKADDR_IN6 } from './socket-address.ts';

/** The kinds of sockets, with SOCK_CLOEXEC. */
export const SOCK_STREAM = 1 | 0o2000000;
export const SOCK_DGRAM = 2 | 0o2000000;

export const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
export const SO_REUSEPORT = 15;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

/**
 * Binds a socket and returns its descriptor, which is the caller's to close. An IPv6 socket takes IPv4, too.
 *
 * @param host an IP address
 * @param shared whether others may be bound to the same address
 * @throws Error with `code`, as Node's own
 */
export function bindSocket(libc: Libc, type: number, host: string, port: number, shared: boolean): number {
  const address = encodeSocketAddress(host, port);
  const domain = address.length === SOCKADDR_IN6 ? AF_INET6 : AF_INET;
  const fd = libc.socket(domain, type, 0);
  const where = formatHostPort(host, port);
  if (fd < 0) throw lastError(libc, `socket ${where}`);
  const set = (level: number, name: number, value: number) =>
    libc.setsockopt(fd, level, name, Int32Array.of(value), 4);
  if (domain === AF_INET6) set(IPPROTO_IPV6, IPV6_V6ONLY, 0);
  // As Node does: connections of an earlier process that have not quite ended keep nobody out.
  if (type === SOCK_STREAM) set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (shared) set(SOL_SOCKET, SO_REUSEPORT, 1);
  if (libc.bind(fd, address, address.length) < 0) {
    const error = lastError(libc, `bind ${where}`);
    libc.close(fd);
    throw error;
  }
  return fd;
}
