/**
 * The header with which a proxy that passes bytes on names the client: the PROXY protocol, versions 1 and 2
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). Version 1 is a line of text, version 2 is binary:
 *
 *     PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 CR LF
 *
 *     ┌───────────┬──────────────────┬──────────────────┬────────┬────────┬─────────────┬───────┬──────┐
 *     │ signature │ version, command │ family, protocol │ length │ source │ destination │ ports │ TLVs │
 *     └───────────┴──────────────────┴──────────────────┴────────┴────────┴─────────────┴───────┴──────┘
 *     0           12                 13                 14       16       └─ as long as `length` says
 *
 * Nothing is read of TLVs, their checksum included: TCP has one.
 */

import { unmap } from '../../pkg/cidr.ts';
import { parseIp } from '../../pkg/ip-address.ts';

export interface ProxyHeader {
  /** Bytes from the beginning of the connection to what the client sent; they need not all have come yet. */
  readonly length: number;
  /** The client's address, 4 or 16 bytes, unmapped; `undefined` if the proxy speaks for itself or cannot say. */
  readonly source: Uint8Array | undefined;
}

/** What is wrong with it: the bytes are no header at all, or they begin like one. */
export type ProxyHeaderFault = 'missing' | 'malformed';

const LINE_START = Buffer.from('PROXY ', 'latin1');
/** With CR and LF. */
const LONGEST_LINE = 107;
const CR = 0x0d;
const LF = 0x0a;
const LINE =
  /^PROXY (?:UNKNOWN(?: .*)?|TCP(?<family>[46]) (?<source>[\da-fA-F.:]+) (?<destination>[\da-fA-F.:]+) (?<ports>\d+ \d+))$/;

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const COMMAND = 12;
const FAMILY = 13;
const LENGTH = 14;
const ADDRESSES = 16;

const LOCAL = 0x20;
const PROXY = 0x21;
const TCP_IPV4 = 0x11;
const TCP_IPV6 = 0x21;
const LAST_FAMILY = 3;
const LAST_PROTOCOL = 2;

/** @param bytes the connection from its beginning, as far as it has come; 107 are always enough */
export function readProxyHeader(bytes: Buffer): ProxyHeader | ProxyHeaderFault | 'incomplete' {
  if (agree(bytes, SIGNATURE)) return bytes.length < ADDRESSES ? 'incomplete' : readBinary(bytes);
  if (agree(bytes, LINE_START)) return readLine(bytes);
  return 'missing';
}

/** Whether the one that is shorter is what the other begins with. */
function agree(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function readLine(bytes: Buffer): ProxyHeader | 'malformed' | 'incomplete' {
  const last = bytes.subarray(0, LONGEST_LINE).indexOf(LF);
  if (last < 0) return bytes.length < LONGEST_LINE ? 'incomplete' : 'malformed';
  const match = bytes[last - 1] === CR && LINE.exec(bytes.toString('latin1', 0, last - 1));
  if (!match) return 'malformed';
  const length = last + 1;
  const { family, source = '', destination = '', ports = '' } = match.groups ?? {};
  if (family === undefined) return { length, source: undefined };
  const [from, to] = [parseIp(source), parseIp(destination)];
  const size = family === '4' ? 4 : 16;
  if (from?.length !== size || to?.length !== size || !ports.split(' ').every(isPort)) return 'malformed';
  return { length, source: unmap(from) };
}

/** Without leading zeros, as octal numbers have them. */
function isPort(text: string): boolean {
  return Number(text) <= 0xffff && String(Number(text)) === text;
}

/** @param bytes at least those before the addresses */
function readBinary(bytes: Buffer): ProxyHeader | 'malformed' | 'incomplete' {
  const command = bytes[COMMAND];
  const family = bytes[FAMILY] as number;
  const length = ADDRESSES + bytes.readUInt16BE(LENGTH);
  // The proxy itself asks, to see whether the tracker is there.
  if (command === LOCAL) return { length, source: undefined };
  if (command !== PROXY || family >> 4 > LAST_FAMILY || (family & 15) > LAST_PROTOCOL) return 'malformed';
  const size = family === TCP_IPV4 ? 4 : family === TCP_IPV6 ? 16 : undefined;
  if (size === undefined) return { length, source: undefined };
  const end = ADDRESSES + 2 * size + 4;
  if (length < end) return 'malformed';
  if (bytes.length < end) return 'incomplete';
  return { length, source: unmap(Uint8Array.from(bytes.subarray(ADDRESSES, ADDRESSES + size))) };
}
