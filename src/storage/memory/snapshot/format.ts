/**
 * The file of a snapshot. Numbers are little-endian, whatever the machine; addresses and ports are in network
 * order, as in answers. A checksum is the CRC-32 of zlib and PNG.
 *
 *   file     | header | block | block | … | end block |
 *
 *   header    0  magic                 89 43 48 49 48 0d 0a 1a: what moves files as text spoils it
 *             8  version
 *            12  when it was begun     in seconds since 1970
 *            16  checksum of all that
 *
 *   block     0  kind                  4: IPv4 swarms, 6: IPv6 swarms, 0: the end
 *             4  length of the payload
 *             8  payload
 *             …  checksum of the above, begun from the checksum before it
 *
 *   payload of swarms: | entry | entry | …
 *
 *   entry     0  infohash
 *            20  peers that follow
 *            24  snatches of the swarm
 *            28  when its last peer left, in seconds since 1970; 0 if it has peers
 *            32  | peer | peer | …
 *
 *   peer      0  peer id
 *            20  when it was last heard of, in seconds since 1970
 *            24  address and port      6 bytes, or 18
 *            30  flags: 1 a seeder, 2 its snatch has been counted; at 42 of an IPv6 peer
 *
 *   payload of the end:  0 blocks before it   4 entries   8 peers
 *
 * Checksums that go on from each other cover the order of the blocks too; with the end's counts no part of a file
 * can be missing, be there twice, or come from another. A swarm of many peers has several entries. A peer that is in
 * more than one of them is as the last one says.
 *
 * Magic and version stand where they are in every version.
 */

import type { AddressFamily } from '../../../bittorrent/address-family.ts';
import { compactPeerLength } from '../../../bittorrent/address-family.ts';

export const MAGIC = Buffer.from('89434849480d0a1a', 'hex');
export const VERSION = 1;

export const VERSION_AT = 8;
export const BEGUN_AT = 12;
export const HEADER_CHECKSUM_AT = 16;
export const HEADER_BYTES = 20;

/** The kind of the last block; others have the family of their swarms. */
export const END = 0;

export const KIND_AT = 0;
export const LENGTH_AT = 4;
export const PAYLOAD_AT = 8;
export const CHECKSUM_BYTES = 4;

/** The longest payload: large enough that its way to the disk costs little, small enough to be summed in 40 µs. */
export const MAX_PAYLOAD = 262_144;

export const PEERS_AT = 20;
export const SNATCHES_AT = 24;
export const EMPTIED_AT = 28;
export const ENTRY_BYTES = 32;

export const HEARD_AT = 20;
export const COMPACT_AT = 24;
const FLAGS_BYTES = 2;
export const SEEDER = 1;
export const SNATCHED = 2;

export const END_BLOCKS_AT = 0;
export const END_ENTRIES_AT = 4;
export const END_PEERS_AT = 8;
export const END_BYTES = 12;

/** Where the flags of a peer are, and how long it is. */
export function flagsAt(family: AddressFamily): number {
  return COMPACT_AT + compactPeerLength(family);
}

export function peerBytes(family: AddressFamily): number {
  return flagsAt(family) + FLAGS_BYTES;
}
