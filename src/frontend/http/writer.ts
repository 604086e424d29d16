/**
 * The bodies of answers, bencoded (BEP 3) with their keys sorted: announces compact (BEP 23, BEP 7) and not,
 * scrapes (BEP 48). Those of failures are in `failure-body.ts`.
 */

import { AddressFamily, addressLength, compactPeerLength } from '../../bittorrent/address-family.ts';
import type { AnnounceRequest, AnnounceResponse } from '../../bittorrent/announce.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import { COMPACT_OFFSET, INFOHASH_LENGTH, PEER_ID_LENGTH, type Peer } from '../../bittorrent/peer.ts';
import type { PeerList } from '../../bittorrent/peer-list.ts';
import type { ScrapeRequest, ScrapeResponse } from '../../bittorrent/scrape.ts';
import { MAX_ADDRESS_TEXT, writeAddress } from './address-text.ts';
import { ascii, MAX_DIGITS, writeBytes, writeDigits, writeInteger, writeStringHead } from './bencode.ts';
import type { Output } from './output.ts';

const COMPLETE = ascii('d8:complete');
const EXTERNAL_IP = ascii('11:external ip');
const INCOMPLETE = ascii('10:incomplete');
const INTERVAL = ascii('8:interval');
const MIN_INTERVAL = ascii('12:min interval');
const PEERS = ascii('5:peers');
const PEERS6 = ascii('6:peers6');
const DOWNLOADED = ascii('10:downloaded');
const IP = ascii('d2:ip');
const PEER_ID = ascii('7:peer id20:');
const PORT = ascii('4:porti');
const FILES = ascii('d5:filesd');
const FILE_KEY = ascii('20:');
const LIST = 0x6c;
const END = 0x65;

/** Room for what stands around the peers, and for a peer and a file; all of them generous. */
const ANNOUNCE_ROOM = 256;
const PEER_ROOM = 64 + MAX_ADDRESS_TEXT + PEER_ID_LENGTH;
const FILE_ROOM = 64 + INFOHASH_LENGTH + 3 * MAX_DIGITS;

/** How much room an announce's answer may need. */
export function announceRoom(peers: PeerList, compact: boolean): number {
  return ANNOUNCE_ROOM + (compact ? peers.byteLength : peers.count * PEER_ROOM);
}

/** Writes the body of an announce's answer. */
export function writeAnnounce(output: Output, request: AnnounceRequest, response: AnnounceResponse): void {
  const { bytes } = output;
  let at = writeInteger(bytes, writeBytes(bytes, output.at, COMPLETE), response.complete);
  if (response.includeExternalIp) at = writeExternalIp(bytes, at, request.peer);
  at = writeInteger(bytes, writeBytes(bytes, at, INCOMPLETE), response.incomplete);
  at = writeInteger(bytes, writeBytes(bytes, at, INTERVAL), response.interval);
  at = writeInteger(bytes, writeBytes(bytes, at, MIN_INTERVAL), response.minInterval);
  at = request.compact ? writeCompactPeers(bytes, at, response.peers) : writePeers(bytes, at, response.peers);
  bytes[at] = END;
  output.at = at + 1;
}

/** BEP 24: 4 or 16 bytes. */
function writeExternalIp(bytes: Buffer, start: number, peer: Peer): number {
  const length = addressLength(peer.family);
  const at = writeStringHead(bytes, writeBytes(bytes, start, EXTERNAL_IP), length);
  for (let i = 0; i < length; i++) bytes[at + i] = peer.bytes[COMPACT_OFFSET + i] as number;
  return at + length;
}

/** Clients of IPv4 reject an answer without `peers`; `peers6` may be absent. */
function writeCompactPeers(bytes: Buffer, start: number, peers: PeerList): number {
  const ipv4 = peers.family === AddressFamily.IPv4;
  const length = peers.byteLength;
  if (!ipv4 && length === 0) return start;
  const at = writeStringHead(bytes, writeBytes(bytes, start, ipv4 ? PEERS : PEERS6), length);
  bytes.set(peers.bytes.subarray(peers.start, peers.start + length), at);
  return at + length;
}

function writePeers(bytes: Buffer, start: number, peers: PeerList): number {
  const width = addressLength(peers.family);
  const stride = compactPeerLength(peers.family);
  let at = writeBytes(bytes, start, PEERS);
  bytes[at++] = LIST;
  for (let i = 0; i < peers.count; i++) {
    const address = peers.start + i * stride;
    at = writeText(bytes, writeBytes(bytes, at, IP), peers.bytes, address, width);
    at = writeBytes(bytes, at, PEER_ID);
    const id = i * PEER_ID_LENGTH;
    // A hook that filled the list itself may have left the ids out: zeros, not those of another answer.
    for (let j = 0; j < PEER_ID_LENGTH; j++) bytes[at + j] = peers.includeIds ? (peers.ids[id + j] ?? 0) : 0;
    at = writeBytes(bytes, at + PEER_ID_LENGTH, PORT);
    const port =
      ((peers.bytes[address + width] as number) << 8) | (peers.bytes[address + width + 1] as number);
    at = writeDigits(bytes, at, port);
    bytes[at++] = END;
    bytes[at++] = END;
  }
  bytes[at] = END;
  return at + 1;
}

const text = new Uint8Array(MAX_ADDRESS_TEXT);

function writeText(bytes: Buffer, start: number, source: Uint8Array, offset: number, width: number): number {
  const length = writeAddress(text, 0, source, offset, width);
  let at = writeStringHead(bytes, start, length);
  for (let i = 0; i < length; i++) bytes[at++] = text[i] as number;
  return at;
}

/** How much room a scrape's answer may need. */
export function scrapeRoom(request: ScrapeRequest): number {
  return FILES.length + request.infohashes.length * FILE_ROOM;
}

/** Writes the body of a scrape's answer: one entry for each infohash, however often it was asked for. */
export function writeScrape(output: Output, request: ScrapeRequest, response: ScrapeResponse): void {
  const { bytes } = output;
  const { infohashes } = request;
  let at = writeBytes(bytes, output.at, FILES);
  const order = infohashes.length === 1 ? ONE : sorted(infohashes);
  let previous: Infohash | undefined;
  for (const index of order) {
    const infohash = infohashes[index] as Infohash;
    const counts = response.files[index];
    if (!counts || (previous && compare(previous, infohash) === 0)) continue;
    previous = infohash;
    at = writeBytes(bytes, writeBytes(bytes, at, FILE_KEY), infohash.bytes);
    at = writeInteger(bytes, writeBytes(bytes, at, COMPLETE), counts.complete);
    at = writeInteger(bytes, writeBytes(bytes, at, DOWNLOADED), counts.snatches);
    at = writeInteger(bytes, writeBytes(bytes, at, INCOMPLETE), counts.incomplete);
    bytes[at++] = END;
  }
  bytes[at++] = END;
  bytes[at++] = END;
  output.at = at;
}

const ONE: readonly number[] = [0];

function sorted(infohashes: readonly Infohash[]): number[] {
  return infohashes
    .map((_, index) => index)
    .sort((a, b) => compare(infohashes[a] as Infohash, infohashes[b] as Infohash));
}

function compare(a: Infohash, b: Infohash): number {
  for (let i = 0; i < INFOHASH_LENGTH; i++) {
    const difference = (a.bytes[i] as number) - (b.bytes[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
