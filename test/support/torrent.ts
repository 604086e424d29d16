/** Private torrents of one file (BEP 3, BEP 27): clients ask the tracker for peers, and nobody else. */

import { createHash } from 'node:crypto';
import { bencode } from './bencode.ts';

const PIECE_LENGTH = 16_384;

export interface Torrent {
  /** The .torrent file. */
  readonly file: Buffer;
  /** 40 lower-case digits. */
  readonly infohash: string;
}

/** The infohash does not depend on `announce`. */
export function makeTorrent(name: string, content: Uint8Array, announce: string): Torrent {
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; at += PIECE_LENGTH) {
    pieces.push(
      createHash('sha1')
        .update(content.subarray(at, at + PIECE_LENGTH))
        .digest(),
    );
  }
  const info = new Map<string, number | string | Uint8Array>([
    ['name', name],
    ['length', content.length],
    ['piece length', PIECE_LENGTH],
    ['pieces', Buffer.concat(pieces)],
    ['private', 1],
  ]);
  return {
    file: bencode(
      new Map<string, string | typeof info>([
        ['announce', announce],
        ['info', info],
      ]),
    ),
    infohash: createHash('sha1').update(bencode(info)).digest('hex'),
  };
}
