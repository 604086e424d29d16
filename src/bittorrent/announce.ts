/**
 * Announce requests and responses, as the tracker logic and the hooks see them.
 *
 * Both are made once and filled again for each request. A frontend that handed them to a hook which
 * returned a promise does not touch them until that promise settles; a hook that wants something for
 * longer than its request copies it.
 */

import { readUint32, writeUint32 } from '../pkg/bytes.ts';
import type { AddressFamily } from './address-family.ts';
import { AnnounceEvent } from './event.ts';
import { Infohash } from './infohash.ts';
import { Params } from './params.ts';
import { Peer } from './peer.ts';
import { PeerList } from './peer-list.ts';

/** Where the counters are, in words, in the order of a UDP announce (BEP 15). */
const DOWNLOADED = 0;
const LEFT = 2;
const UPLOADED = 4;
const COUNTER_WORDS = 6;

export class AnnounceRequest {
  readonly infohash = new Infohash();
  /** Who announces: peer id, address, port. Its family is the swarm's. */
  readonly peer = new Peer();
  readonly params = new Params();
  event: AnnounceEvent = AnnounceEvent.None;
  eventProvided = false;
  /** Whether the client asked for the compact form (BEP 23). UDP knows no other. */
  compact = true;
  /** How many peers are wanted; after sanitising, how many may be given. */
  numwant = 0;
  numwantProvided = false;
  /** Whether the address was named by the client (IP spoofing) and is not its connection's. */
  ipProvided = false;
  /** `downloaded`, `left`, `uploaded`, 64 bit each, in network order: kept as UDP sends them, for few ever ask. */
  readonly counters: Uint8Array;
  readonly #counterWords: Int32Array;

  constructor() {
    this.#counterWords = new Int32Array(COUNTER_WORDS);
    this.counters = new Uint8Array(this.#counterWords.buffer);
  }

  /** Bytes still to download, unsigned 64 bit. */
  get left(): bigint {
    return this.#counter(LEFT);
  }

  /** Bytes downloaded since `started`, unsigned 64 bit. */
  get downloaded(): bigint {
    return this.#counter(DOWNLOADED);
  }

  /** Bytes uploaded since `started`, unsigned 64 bit. */
  get uploaded(): bigint {
    return this.#counter(UPLOADED);
  }

  /** Whether nothing is left to download: a seeder. */
  get seeder(): boolean {
    return this.#counterWords[LEFT] === 0 && this.#counterWords[LEFT + 1] === 0;
  }

  setLeft(high: number, low: number): void {
    this.#setCounter(LEFT, high, low);
  }

  setDownloaded(high: number, low: number): void {
    this.#setCounter(DOWNLOADED, high, low);
  }

  setUploaded(high: number, low: number): void {
    this.#setCounter(UPLOADED, high, low);
  }

  /** Copies the three counters at word `at`, in the order and form they are kept in. */
  setCounters(source: Int32Array, at: number): void {
    const words = this.#counterWords;
    for (let i = 0; i < COUNTER_WORDS; i++) words[i] = source[at + i] as number;
  }

  #counter(word: number): bigint {
    const high = readUint32(this.counters, 4 * word);
    return (BigInt(high) << 32n) | BigInt(readUint32(this.counters, 4 * word + 4));
  }

  #setCounter(word: number, high: number, low: number): void {
    writeUint32(this.counters, 4 * word, high);
    writeUint32(this.counters, 4 * word + 4, low);
  }
}

export class AnnounceResponse {
  /** Seconds until the next announce. */
  interval = 0;
  /** Seconds before which no announce is welcome. */
  minInterval = 0;
  /** Seeders in the swarm. */
  complete = 0;
  /** Leechers in the swarm. */
  incomplete = 0;
  /** Set by a PreHook: the answer is to carry the announcer's address (BEP 24), where the protocol has a field for it. */
  includeExternalIp = false;
  readonly peers: PeerList;

  constructor(peers: PeerList = new PeerList()) {
    this.peers = peers;
  }

  /** Empties the response for an announcer of `family`. */
  reset(family: AddressFamily): void {
    this.interval = 0;
    this.minInterval = 0;
    this.complete = 0;
    this.incomplete = 0;
    this.includeExternalIp = false;
    this.peers.reset(family);
  }
}
