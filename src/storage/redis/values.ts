/**
 * The fields and values of swarms, as the original writes them.
 *
 *     field   | peer id (20) | port (2) | address (4|16) |    network order
 *     value   Unix time of the last announce in nanoseconds, in decimal
 *
 * Our clock counts milliseconds, so the last six digits are zeros. A peer whose snatch has been counted has 000001
 * there: a nanosecond, which matters to nobody and tells us not to count it again. An original's time, which may end
 * in anything, is taken for such a mark once in a million times.
 */

import { addressLength, compactPeerLength } from '../../bittorrent/address-family.ts';
import { COMPACT_OFFSET, PEER_ID_LENGTH, type Peer } from '../../bittorrent/peer.ts';
import type { PeerList } from '../../bittorrent/peer-list.ts';

/** The field of a peer, behind `before` bytes that are the caller's. */
export function fieldOf(peer: Peer, before = 0): Buffer {
  const length = addressLength(peer.family);
  const field = Buffer.allocUnsafe(before + PEER_ID_LENGTH + 2 + length);
  const { bytes } = peer;
  let at = before;
  for (let i = 0; i < PEER_ID_LENGTH; i++) field[at++] = bytes[i] as number;
  field[at++] = bytes[COMPACT_OFFSET + length] as number;
  field[at++] = bytes[COMPACT_OFFSET + length + 1] as number;
  for (let i = 0; i < length; i++) field[at++] = bytes[COMPACT_OFFSET + i] as number;
  return field;
}

/** Appends the peer of the field at `at` to a list of its family that has room. */
export function appendField(fields: Uint8Array, at: number, list: PeerList): void {
  const length = addressLength(list.family);
  const port = at + PEER_ID_LENGTH;
  const { bytes } = list;
  let to = list.start + list.count * compactPeerLength(list.family);
  for (let i = 0; i < length; i++) bytes[to++] = fields[port + 2 + i] as number;
  bytes[to] = fields[port] as number;
  bytes[to + 1] = fields[port + 1] as number;
  if (list.includeIds) {
    list.reserveIds(list.count + 1);
    list.ids.set(fields.subarray(at, port), list.count * PEER_ID_LENGTH);
  }
  list.count++;
}

/** Milliseconds since 1970 as a value. */
export function timeValue(milliseconds: number): string {
  return `${Math.max(0, Math.floor(milliseconds))}000000`;
}
