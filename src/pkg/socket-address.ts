/** Linux's `struct sockaddr_in` and `sockaddr_in6` as bytes. The family is in the machine's order, the port in the network's. */

import { formatIp, parseIp } from './ip-address.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** Where the address is in either structure. */
export const IPV4_ADDRESS = 4;
export const IPV6_ADDRESS = 8;

/** Bytes of either structure. */
export const SOCKADDR_IN = 16;
export const SOCKADDR_IN6 = 28;

/** The structure for an IP address and a port. */
export function encodeSocketAddress(address: string, port: number): Uint8Array {
  const ip = parseIp(address);
  if (!ip) throw new RangeError(`expected an IP address, found "${address}"`);
  const bytes = new Uint8Array(ip.length === 4 ? SOCKADDR_IN : SOCKADDR_IN6);
  bytes[0] = ip.length === 4 ? AF_INET : AF_INET6;
  bytes[2] = port >>> 8;
  bytes[3] = port;
  bytes.set(ip, ip.length === 4 ? IPV4_ADDRESS : IPV6_ADDRESS);
  return bytes;
}

export function decodeSocketAddress(bytes: Uint8Array): { readonly host: string; readonly port: number } {
  const port = ((bytes[2] as number) << 8) | (bytes[3] as number);
  const host = bytes[0] === AF_INET ? formatIp(bytes, IPV4_ADDRESS, 4) : formatIp(bytes, IPV6_ADDRESS, 16);
  return { host, port };
}
