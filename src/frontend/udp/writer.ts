/** Writes the answers of BEP 15. Each function returns the answer's length in bytes. */

import type { AnnounceResponse } from '../../bittorrent/announce.ts';
import type { ScrapeResponse } from '../../bittorrent/scrape.ts';
import { writeUint32 } from '../../pkg/bytes.ts';
import {
  Action,
  ANNOUNCE_ANSWER_PEERS,
  ANSWER_HEADER,
  ANSWER_TRANSACTION_ID,
  SCRAPE_ENTRY,
} from './packet.ts';

/** The first eight bytes of any answer. */
export function writeHeader(target: Uint8Array, at: number, action: number, transactionId: number): void {
  writeUint32(target, at, action);
  writeUint32(target, at + ANSWER_TRANSACTION_ID, transactionId);
}

/**
 * The peers are there already: the store has copied them to `at + 20`.
 *
 * @param action 1 or 4, as it was asked
 */
export function writeAnnounce(
  target: Uint8Array,
  at: number,
  action: number,
  transactionId: number,
  response: AnnounceResponse,
): number {
  writeHeader(target, at, action, transactionId);
  writeUint32(target, at + 8, response.interval);
  writeUint32(target, at + 12, response.incomplete);
  writeUint32(target, at + 16, response.complete);
  return ANNOUNCE_ANSWER_PEERS + response.peers.byteLength;
}

/** As many entries as fit into `limit` bytes. */
export function writeScrape(
  target: Uint8Array,
  at: number,
  transactionId: number,
  response: ScrapeResponse,
  limit: number,
): number {
  writeHeader(target, at, Action.Scrape, transactionId);
  let length = ANSWER_HEADER;
  for (const file of response.files) {
    if (length + SCRAPE_ENTRY > limit) break;
    writeUint32(target, at + length, file.complete);
    writeUint32(target, at + length + 4, file.snatches);
    writeUint32(target, at + length + 8, file.incomplete);
    length += SCRAPE_ENTRY;
  }
  return length;
}

/** `text` is ASCII; a hook's own may be long, and is cut to `limit` bytes of answer. */
export function writeError(
  target: Uint8Array,
  at: number,
  transactionId: number,
  text: string,
  limit: number,
): number {
  writeHeader(target, at, Action.Error, transactionId);
  const length = Math.min(text.length, limit - ANSWER_HEADER - 1);
  for (let i = 0; i < length; i++) target[at + ANSWER_HEADER + i] = text.charCodeAt(i);
  target[at + ANSWER_HEADER + length] = 0;
  return ANSWER_HEADER + length + 1;
}
