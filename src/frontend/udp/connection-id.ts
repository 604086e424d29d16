/**
 * Connection ids (BEP 15): proof that a client receives what is sent to the address it writes as its own.
 *
 *     0                4                8
 *     | Unix time, s   | MAC            |
 *
 * The MAC is the first half of SipHash-2-4 over the time and the source address, keyed from the
 * private key. Nothing is remembered of a client: whoever shows an id with the right MAC for its address
 * and a recent time has received it there. See docs/adr/0003-connection-ids.md for what this withstands.
 */

import { createHash } from 'node:crypto';
import { addressLength } from '../../bittorrent/address-family.ts';
import { COMPACT_OFFSET, type Peer } from '../../bittorrent/peer.ts';
import { readInt32LittleEndian, readUint32, writeUint32 } from '../../pkg/bytes.ts';
import { sipHashLow } from '../../pkg/siphash.ts';

/** Seconds that an id is good for (BEP 15: two minutes after it was sent). */
export const LIFETIME = 120;

/** Ids made with another key, which are accepted up to a second since 1970. */
export interface FormerIds {
  readonly ids: ConnectionIds;
  readonly until: number;
}

export class ConnectionIds {
  readonly #key: Int32Array;
  readonly #maxSkew: number;
  /** The message that was authenticated last: time, then the address, as little-endian words; of how many, and the MAC. */
  readonly #message = new Int32Array(5);
  #words = 0;
  #latest = 0;
  readonly #former: FormerIds | undefined;

  /**
   * @param privateKey a text of any length; trackers with the same one accept each other's ids
   * @param maxClockSkew milliseconds that an id may be ahead of our clock
   */
  constructor(privateKey: string, maxClockSkew: number, former?: FormerIds) {
    this.#former = former;
    const digest = createHash('sha256').update(privateKey).digest();
    this.#key = Int32Array.from({ length: 4 }, (_, i) => digest.readInt32LE(4 * i));
    this.#maxSkew = Math.ceil(maxClockSkew / 1000);
  }

  /** Writes the 8 bytes of an id for the address of `source`; `now` in seconds since 1970. */
  write(target: Uint8Array, offset: number, source: Peer, now: number): void {
    writeUint32(target, offset, now);
    writeUint32(target, offset + 4, this.#mac(now, source));
  }

  /** Whether the 8 bytes at `offset` are an id given to the address of `source` and still good. */
  accepts(bytes: Uint8Array, offset: number, source: Peer, now: number): boolean {
    const time = readUint32(bytes, offset);
    // The MAC is computed whatever the time says, and compared as one integer: what a guess took tells nothing.
    const difference = (this.#mac(time, source) ^ readUint32(bytes, offset + 4)) | 0;
    const age = now - time;
    if (difference === 0 && age <= LIFETIME && -age <= this.#maxSkew) return true;
    const former = this.#former;
    return former !== undefined && now <= former.until && former.ids.accepts(bytes, offset, source, now);
  }

  #mac(time: number, source: Peer): number {
    const message = this.#message;
    const words = addressLength(source.family) / 4;
    let isAnother = message[0] !== (time | 0) || this.#words !== words;
    message[0] = time;
    for (let i = 0; i < words; i++) {
      const word = readInt32LittleEndian(source.bytes, COMPACT_OFFSET + 4 * i);
      if (word === message[1 + i]) continue;
      message[1 + i] = word;
      isAnother = true;
    }
    this.#words = words;
    if (isAnother) this.#latest = sipHashLow(this.#key, message, 1 + words);
    return this.#latest;
  }
}
