/** IP addresses between text and bytes. Parsing of untrusted text is ipaddr.js's; the rest is ours. */

import ipaddr from 'ipaddr.js';

/**
 * The 4 or 16 bytes of an address; an IPv6 zone (`%eth0`) is dropped. `undefined` for anything else:
 * short, octal or hexadecimal IPv4 forms are refused.
 */
export function parseIp(text: string): Uint8Array | undefined {
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return Uint8Array.from(ipaddr.IPv4.parse(bare).toByteArray());
  if (ipaddr.IPv6.isValid(bare)) return Uint8Array.from(ipaddr.IPv6.parse(bare).toByteArray());
  return undefined;
}

/** The address of `length` (4 or 16) bytes at `offset` as text; IPv6 as RFC 5952 wants it. */
export function formatIp(bytes: Uint8Array, offset: number, length: number): string {
  if (length === 4) {
    return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
  }
  return new ipaddr.IPv6(Array.from(bytes.subarray(offset, offset + 16))).toRFC5952String();
}

/** Whether the 16 bytes at `offset` are an IPv4 address as an IPv6 one: `::ffff:a.b.c.d`. */
export function isMapped(bytes: Uint8Array, offset: number): boolean {
  if (bytes[offset + 10] !== 0xff || bytes[offset + 11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return true;
}
