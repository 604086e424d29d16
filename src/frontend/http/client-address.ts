/**
 * Whose address a request speaks for: with IP spoofing the one it names, otherwise that of its source: behind a trusted
 * proxy the one the proxy names, else the connection's. Announces and scrapes are judged alike.
 */

import { latin1 } from '../../pkg/bytes.ts';
import { unmap } from '../../pkg/cidr.ts';
import { parseIp } from '../../pkg/ip-address.ts';
import { AddressRanges } from './address-ranges.ts';
import type { RequestHead } from './head-parser.ts';
import { Key, type Query } from './query.ts';

export interface ClientAddressOptions {
  readonly allow_ip_spoofing: boolean;
  readonly real_ip_header?: string | undefined;
  readonly trusted_proxies: readonly string[];
}

const SPOOFING_KEYS = [Key.Ip, Key.Ipv4, Key.Ipv6] as const;

/** Names no IPv4 or IPv6 address is longer than, an IPv6 zone included. */
const LONGEST_TEXT = 64;

export class ClientAddress {
  /** The address found last: 4 or 16 bytes. */
  address: Uint8Array = new Uint8Array(4);
  /** Whether it was named by the client itself. */
  provided = false;
  readonly #spoofing: boolean;
  readonly #header: boolean;
  readonly #trusted: AddressRanges;

  constructor(options: ClientAddressOptions) {
    this.#spoofing = options.allow_ip_spoofing;
    this.#header = options.real_ip_header !== undefined;
    this.#trusted = new AddressRanges(options.trusted_proxies);
  }

  /**
   * Where a request comes from, whatever it says itself: 4 or 16 bytes, unmapped. `undefined` if what a trusted proxy
   * says does not parse.
   *
   * @param remote the other end of the connection: 4 or 16 bytes, unmapped
   */
  source(bytes: Uint8Array, head: RequestHead, remote: Uint8Array): Uint8Array | undefined {
    if (this.#header && head.addressLineCount > 0 && this.#trusted.contains(remote))
      return this.#fromHeader(bytes, head, remote);
    return remote;
  }

  /** Sets `address` and `provided`. Returns false if the address that counts does not parse. */
  find(query: Query, source: Uint8Array | undefined): boolean {
    this.provided = false;
    if (this.#spoofing) {
      for (const key of SPOOFING_KEYS) {
        const text = query.has(key) ? query.text(key) : undefined;
        if (!text) continue;
        const address = parse(text);
        if (!address) return false;
        // Clients that do not know their address announce zero: that names nobody.
        if (isZero(address)) continue;
        this.address = address;
        this.provided = true;
        return true;
      }
    }
    if (!source) return false;
    this.address = source;
    return true;
  }

  /** From the end: what our own proxies appended is true, what stands before the first foreign address is hearsay. */
  #fromHeader(bytes: Uint8Array, head: RequestHead, remote: Uint8Array): Uint8Array | undefined {
    let nearest: Uint8Array | undefined;
    for (let line = head.addressLineCount - 1; line >= 0; line--) {
      const start = head.addressLines[2 * line] as number;
      const end = head.addressLines[2 * line + 1] as number;
      const texts = latin1(bytes, start, end).split(',');
      for (let i = texts.length - 1; i >= 0; i--) {
        const text = (texts[i] as string).trim();
        if (text === '') continue;
        nearest = parse(text);
        if (!nearest || !this.#trusted.contains(nearest)) return nearest;
      }
    }
    // A client that is itself inside the trusted ranges: the first of the list, farthest from us.
    return nearest ?? remote;
  }
}

function parse(text: string): Uint8Array | undefined {
  const address = text.length > LONGEST_TEXT ? undefined : parseIp(text);
  return address && unmap(address);
}

function isZero(address: Uint8Array): boolean {
  for (const byte of address) if (byte !== 0) return false;
  return true;
}

/**
 * The other end of a connection, from its socket's text, unmapped; `undefined` if the socket has lost it. What a socket
 * says is well-formed, and mostly IPv4: read without the regular expressions that text from outside needs.
 */
export function parseSocketAddress(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const dotted = text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text;
  if (dotted.includes(':')) return parse(dotted);
  const address = new Uint8Array(4);
  let index = 0;
  for (let i = 0; i < dotted.length; i++) {
    const code = dotted.charCodeAt(i);
    if (code === 0x2e) index++;
    else address[index] = (address[index] as number) * 10 + code - 0x30;
  }
  return address;
}
