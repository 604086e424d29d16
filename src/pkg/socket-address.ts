/** Linux's `struct sockaddr_in`, `sockaddr_in6` and `sockaddr_un` as bytes. The family is in the machine's order, the port in the network's. */

import { unmap } from './cidr.ts';
import { formatIp, parseIp } from './ip-address.ts';

export const AF_UNIX = 1;
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

/** @param path where the socket is; with `@` first, a name without a file */
export function encodeUnixAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  // A file's name ends with a zero, one without a file begins with it.
  const bytes = new Uint8Array(2 + name.length + (name[0] === AT ? 0 : 1));
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  if (name[0] === AT) bytes[2] = 0;
  return bytes;
}

const AT = 0x40;

/** The IP address in the structure at `at`: 4 or 16 bytes of its own, an IPv4-mapped one as IPv4. */
export function decodeUnmapped(bytes: Uint8Array, at: number): Uint8Array {
  if (bytes[at] === AF_INET) return bytes.slice(at + IPV4_ADDRESS, at + IPV4_ADDRESS + 4);
  return unmap(bytes.slice(at + IPV6_ADDRESS, at + IPV6_ADDRESS + 16));
}
