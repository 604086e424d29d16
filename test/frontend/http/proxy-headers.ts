/** PROXY headers as they are on the wire. */

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** From 192.0.2.1. */
export const TCP4 = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n');
/** From 2001:db8::1. */
export const TCP6 = Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n');
export const UNKNOWN = Buffer.from('PROXY UNKNOWN\r\n');

/** From 192.0.2.1. */
export const V2_INET = hex('0d0a0d0a000d0a515549540a 21 11 000c c0000201 c6336401 dc04 01bb');
/** The same with TLVs: NOOP of two bytes, a host name of two. */
export const V2_INET_TLVS = hex(
  '0d0a0d0a000d0a515549540a 21 11 0016 c0000201 c6336401 dc04 01bb 04 0002 0000 02 0002 6162',
);
/** From 2001:db8::1. */
export const V2_INET6 = hex(
  '0d0a0d0a000d0a515549540a 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb',
);
export const V2_LOCAL = hex('0d0a0d0a000d0a515549540a 20 00 0000');
