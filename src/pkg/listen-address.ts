/** Addresses that a socket is bound to, as the configuration writes them. */

import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

/** An address to listen on. `host` is absent for every address of both families. */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** `undefined` for what is not an address to listen on. Port 0 asks the system for a free one. */
export function parseListenAddress(value: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:\s[\]]*)):(\d{1,5})$/.exec(value);
  if (!match || Number(match[3]) > 65535) return undefined;
  if (match[1] !== undefined && !ipaddr.IPv6.isValid(match[1])) return undefined;
  const host = match[1] ?? match[2];
  // Digits and dots that are not an address are a slip, not a host name.
  if (host && /^[\d.]+$/.test(host) && !ipaddr.IPv4.isValidFourPartDecimal(host)) return undefined;
  return { host: host || undefined, port: Number(match[3]) };
}

/** How a system without IPv6 refuses to bind `::`. */
export const NO_IPV6: readonly string[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'];

/**
 * Binds what the host of an address stands for: itself, what the name is of, or, where there is none, every address of
 * both families on one socket, of IPv4 where the system has nothing else.
 *
 * @param bind is given an IP address, and perhaps a second one
 * @param refusals codes of the errors with which it tells that there is no IPv6
 */
export async function bindHost<T>(
  host: string | undefined,
  bind: (ip: string) => T | Promise<T>,
  refusals: readonly string[] = NO_IPV6,
): Promise<T> {
  if (host !== undefined) return bind((await lookup(host)).address);
  try {
    return await bind('::');
  } catch (error) {
    if (!refusals.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return bind('0.0.0.0');
  }
}

/** Whether both are there and written alike. */
export function sameAddress(one: ListenAddress | undefined, other: ListenAddress | undefined): boolean {
  return one !== undefined && one.host === other?.host && one.port === other?.port;
}

/** `[::1]:6969` or `127.0.0.1:6969`. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
