/** Writes the announces and connects that benchmarks send, by the layout that the frontend reads them with. */

import {
  ACTION,
  Action,
  DOWNLOADED,
  INFOHASH,
  IP,
  LEFT,
  NUM_WANT_AFTER_IP,
  OPTIONS_AFTER_IP,
  PEER_ID,
  PORT_AFTER_IP,
  PROTOCOL_ID_HIGH,
  PROTOCOL_ID_LOW,
  REQUEST_HEADER,
  TRANSACTION_ID,
  UPLOADED,
} from '../../src/frontend/udp/packet.ts';
import { writeUint32 } from '../../src/pkg/bytes.ts';

const KEY = IP + 4;
const NUM_WANT = IP + 4 + NUM_WANT_AFTER_IP;
const PORT = IP + 4 + PORT_AFTER_IP;
export const ANNOUNCE_LENGTH = IP + 4 + OPTIONS_AFTER_IP;
export const CONNECT_LENGTH = REQUEST_HEADER;
const SCRAPE_LENGTH = INFOHASH + 20;

export function writeConnect(target: Uint8Array, at: number, transactionId: number): number {
  writeUint32(target, at, PROTOCOL_ID_HIGH);
  writeUint32(target, at + 4, PROTOCOL_ID_LOW);
  writeUint32(target, at + ACTION, Action.Connect);
  writeUint32(target, at + TRANSACTION_ID, transactionId);
  return CONNECT_LENGTH;
}

/** The 20 bytes at `infohashAt` of `infohashes` are scraped; the connection id is there already. */
export function writeScrape(
  target: Uint8Array,
  at: number,
  transactionId: number,
  infohashes: Uint8Array,
  infohashAt: number,
): number {
  writeUint32(target, at + ACTION, Action.Scrape);
  writeUint32(target, at + TRANSACTION_ID, transactionId);
  copy(target, at + INFOHASH, infohashes, infohashAt, 20);
  return SCRAPE_LENGTH;
}

/** All of an announce but its connection id and its peer id, which are there already. No event. */
export function writeAnnounce(
  target: Uint8Array,
  at: number,
  transactionId: number,
  infohashes: Uint8Array,
  infohashAt: number,
  left: number,
  key: number,
  numwant: number,
  port: number,
): number {
  writeUint32(target, at + ACTION, Action.Announce);
  writeUint32(target, at + TRANSACTION_ID, transactionId);
  copy(target, at + INFOHASH, infohashes, infohashAt, 20);
  target.fill(0, at + DOWNLOADED, at + LEFT + 4);
  writeUint32(target, at + LEFT + 4, left);
  target.fill(0, at + UPLOADED, at + KEY);
  writeUint32(target, at + KEY, key);
  writeUint32(target, at + NUM_WANT, numwant);
  target[at + PORT] = port >>> 8;
  target[at + PORT + 1] = port;
  return ANNOUNCE_LENGTH;
}

/** Where the peer id of an announce at `at` is written. */
export function peerIdAt(at: number): number {
  return at + PEER_ID;
}

function copy(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
  for (let i = 0; i < length; i++) target[at + i] = source[from + i] as number;
}
