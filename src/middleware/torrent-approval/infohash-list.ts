/** A list of infohashes, written as hexadecimal digits of either case. */

import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import { Fingerprint } from '../../pkg/fingerprint.ts';
import { readHex } from '../../pkg/hex.ts';
import { FingerprintList } from '../fingerprint-list.ts';

const DIGITS = 2 * INFOHASH_LENGTH;

/** @param key of its fingerprints */
export function infohashList(key: Int32Array): FingerprintList {
  const fingerprint = new Fingerprint(key, INFOHASH_LENGTH);
  const infohash = fingerprint.bytes.subarray(0, INFOHASH_LENGTH);
  return new FingerprintList({
    fingerprint,
    shortest: DIGITS,
    read(text, start, end) {
      if (end - start !== DIGITS || !readHex(text, start, infohash)) {
        return `an infohash of ${DIGITS} hexadecimal digits`;
      }
      fingerprint.make(INFOHASH_LENGTH);
      return undefined;
    },
  });
}
