/**
 * Parses announces and scrapes out of UDP packets (BEP 15, BEP 41) into request objects. The header has been
 * read, and the source address already is the peer's. Mistakes are returned, not thrown.
 */

import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import { type ClientError, invalidQueryEscape } from '../../bittorrent/client-error.ts';
import type { AnnounceEvent } from '../../bittorrent/event.ts';
import type { Params } from '../../bittorrent/params.ts';
import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import type { ScrapeRequest } from '../../bittorrent/scrape.ts';
import { readUint32 } from '../../pkg/bytes.ts';
import { areEscapesWhole } from '../../pkg/percent.ts';
import { malformedEvent, malformedPacket } from './errors.ts';
import {
  COUNTERS,
  EVENT,
  INFOHASH,
  IP,
  NUM_WANT_AFTER_IP,
  NUM_WANT_DEFAULT,
  OPTION_END,
  OPTION_NOP,
  OPTION_URL_DATA,
  OPTIONS_AFTER_IP,
  PEER_ID,
  PORT_AFTER_IP,
  REQUEST_HEADER,
} from './packet.ts';

const QUESTION_MARK = 0x3f;

/**
 * Fills `request` from the packet at `[start, end)`, `start` being a multiple of 4: what is only copied is copied
 * in words, and all of it but the port lies at such multiples.
 *
 * @param words the same memory as `packet`
 * @param ipLength 4, or 16 for action 4
 * @param allowIpSpoofing whether the IP field, unless it is zero, replaces the source address
 */
export function parseAnnounce(
  packet: Uint8Array,
  words: Int32Array,
  start: number,
  end: number,
  ipLength: 4 | 16,
  allowIpSpoofing: boolean,
  request: AnnounceRequest,
): ClientError | undefined {
  const afterIp = start + IP + ipLength;
  const options = afterIp + OPTIONS_AFTER_IP;
  if (end < options) return malformedPacket;

  request.infohash.setWords(words, (start + INFOHASH) >>> 2);
  request.peer.setIdWords(words, (start + PEER_ID) >>> 2);
  request.setCounters(words, (start + COUNTERS) >>> 2);

  const event = readUint32(packet, start + EVENT);
  if (event > 3) return malformedEvent;
  request.event = event as AnnounceEvent;
  request.eventProvided = true;

  request.ipProvided = allowIpSpoofing && !isZero(packet, start + IP, ipLength);
  if (request.ipProvided) request.peer.setAddress(packet, start + IP, ipLength);

  const numwant = readUint32(packet, afterIp + NUM_WANT_AFTER_IP);
  request.numwant = numwant;
  request.numwantProvided = numwant !== NUM_WANT_DEFAULT;
  request.compact = true;

  const port = afterIp + PORT_AFTER_IP;
  request.peer.port = ((packet[port] as number) << 8) | (packet[port + 1] as number);

  if (end === options) {
    request.params.clear();
    return undefined;
  }
  return parseOptions(packet, options, end, request.params);
}

/** Fills `request` from the packet at `[start, end)`. */
export function parseScrape(
  packet: Uint8Array,
  start: number,
  end: number,
  request: ScrapeRequest,
): ClientError | undefined {
  const length = end - start - REQUEST_HEADER;
  if (length <= 0 || length % INFOHASH_LENGTH !== 0) return malformedPacket;
  request.truncate(0);
  for (let at = start + REQUEST_HEADER; at < end; at += INFOHASH_LENGTH) request.add(packet, at);
  return undefined;
}

/**
 * Reads the options of BEP 41; the URL data, if any, becomes the request's path and query. One piece of it, which is
 * all that clients send of a URL below 256 bytes, is left where it is.
 */
function parseOptions(
  packet: Uint8Array,
  start: number,
  end: number,
  params: Params,
): ClientError | undefined {
  let url = packet;
  let urlStart = start;
  let urlEnd = start;
  for (let at = start; at < end; ) {
    const type = packet[at++] as number;
    if (type === OPTION_END) break;
    if (type === OPTION_NOP) continue;
    if (at >= end) return malformedPacket;
    const length = packet[at++] as number;
    if (at + length > end) return malformedPacket;
    if (type === OPTION_URL_DATA && length > 0) {
      if (urlEnd > urlStart) {
        url = concatenate(url, urlStart, urlEnd, packet, at, length);
        urlStart = 0;
        urlEnd = url.length;
      } else {
        urlStart = at;
        urlEnd = at + length;
      }
    }
    at += length;
  }
  let pathEnd = urlStart;
  while (pathEnd < urlEnd && url[pathEnd] !== QUESTION_MARK) pathEnd++;
  const queryStart = Math.min(pathEnd + 1, urlEnd);
  params.assign(url, urlStart, pathEnd, queryStart, urlEnd);
  return areEscapesWhole(url, queryStart, urlEnd) ? undefined : invalidQueryEscape;
}

function concatenate(
  url: Uint8Array,
  start: number,
  end: number,
  packet: Uint8Array,
  at: number,
  length: number,
): Uint8Array {
  const longer = new Uint8Array(end - start + length);
  longer.set(url.subarray(start, end), 0);
  longer.set(packet.subarray(at, at + length), end - start);
  return longer;
}

function isZero(bytes: Uint8Array, at: number, length: number): boolean {
  let any = 0;
  for (let i = 0; i < length; i++) any |= bytes[at + i] as number;
  return any === 0;
}
