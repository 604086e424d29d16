/** The addresses of the load's peers, and how an address and a port become one number. */

import { sourceAddress } from '../load/client-sockets.ts';

/** 127.0.0.2 and those that follow. */
export const IPV4_SOURCES = 24;

/** Over IPv6 the loopback has one address. */
const IPV6_SOURCE = 255;
export const IPV6_ADDRESS = '::1';

const PORTS = 65536;

export function placeOf(source: number, port: number): number {
  return source * PORTS + port;
}

/** 1 to 65535. */
export function portOf(place: number): number {
  return place % PORTS;
}

/** Which of the addresses. */
export function sourceOf(place: number): number {
  return Math.floor(place / PORTS);
}

/** A place that `number` leads to. */
export function numberedPlace(number: number, ipv6: boolean): number {
  return placeOf(ipv6 ? IPV6_SOURCE : number % IPV4_SOURCES, 1 + (number % (PORTS - 1)));
}

export function addressOf(place: number): string {
  const source = sourceOf(place);
  return source === IPV6_SOURCE ? IPV6_ADDRESS : sourceAddress(source);
}

const LENGTHS = { ipv4: 6, ipv6: 18 };
const IPV4_PREFIX = Buffer.from([127, 0, 0]);
const IPV6_BYTES = Buffer.from('00000000000000000000000000000001', 'hex');

/** Of compact peers (BEP 7, BEP 23); NaN for the address of nobody here. */
export function compactPlaces(bytes: Buffer, ipv6: boolean): number[] {
  const length = ipv6 ? LENGTHS.ipv6 : LENGTHS.ipv4;
  const places: number[] = [];
  for (let at = 0; at + length <= bytes.length; at += length) {
    const port = bytes.readUInt16BE(at + length - 2);
    const address = bytes.subarray(at, at + length - 2);
    if (ipv6) places.push(address.equals(IPV6_BYTES) ? placeOf(IPV6_SOURCE, port) : Number.NaN);
    else places.push(isSource(address) ? placeOf((address[3] as number) - 2, port) : Number.NaN);
  }
  // What is left over belongs to no peer.
  if (bytes.length % length !== 0) places.push(Number.NaN);
  return places;
}

/** Of an address as text, as in answers that are not compact. */
export function textPlace(address: string, port: number): number {
  if (address === IPV6_ADDRESS) return placeOf(IPV6_SOURCE, port);
  const bytes = Buffer.from(address.split('.').map(Number));
  return bytes.length === 4 && isSource(bytes) ? placeOf((bytes[3] as number) - 2, port) : Number.NaN;
}

function isSource(address: Buffer): boolean {
  return IPV4_PREFIX.compare(address, 0, 3) === 0 && (address[3] as number) >= 2;
}
