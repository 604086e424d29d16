/**
 * Announce requests and responses, as the tracker logic and the hooks see them.
 *
 * Both are made once and filled again for each request. A frontend that handed them to a hook which
 * returned a promise does not touch them until that promise settles; a hook that wants something for
 * longer than its request copies it.
 */

import type { AddressFamily } from './address-family.ts';
import { AnnounceEvent } from './event.ts';
import { Infohash } from './infohash.ts';
import { Params } from './params.ts';
import { Peer } from './peer.ts';
import { PeerList } from './peer-list.ts';

const LEFT = 0;
const DOWNLOADED = 2;
const UPLOADED = 4;

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
  /** `left`, `downloaded`, `uploaded`, each as a high and a low word. */
  readonly counters = new Uint32Array(6);

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
    return this.counters[LEFT] === 0 && this.counters[LEFT + 1] === 0;
  }

  setLeft(high: number, low: number): void {
    this.counters[LEFT] = high;
    this.counters[LEFT + 1] = low;
  }

  setDownloaded(high: number, low: number): void {
    this.counters[DOWNLOADED] = high;
    this.counters[DOWNLOADED + 1] = low;
  }

  setUploaded(high: number, low: number): void {
    this.counters[UPLOADED] = high;
    this.counters[UPLOADED + 1] = low;
  }

  #counter(at: number): bigint {
    return (BigInt(this.counters[at] as number) << 32n) | BigInt(this.counters[at + 1] as number);
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
