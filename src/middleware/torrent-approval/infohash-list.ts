/** A list of infohashes, written as hexadecimal digits of either case. */

import { Infohash } from '../../bittorrent/infohash.ts';
import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import { readHex } from '../../pkg/hex.ts';
import { DigestContents } from '../digest-contents.ts';

const DIGITS = 2 * INFOHASH_LENGTH;

export function infohashList(): DigestContents {
  const { bytes, words } = new Infohash();
  return new DigestContents({
    words: words.length,
    shortest: DIGITS,
    read(text, start, end, digest) {
      if (end - start !== DIGITS || !readHex(text, start, bytes)) {
        return `an infohash of ${DIGITS} hexadecimal digits`;
      }
      digest.set(words);
      return undefined;
    },
  });
}
