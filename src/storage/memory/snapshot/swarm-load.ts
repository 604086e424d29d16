/**
 * Puts the swarms of one family from blocks into a store that nobody else has yet. Peers that are not remembered
 * any more are left out; limits hold.
 */

import { Infohash } from '../../../bittorrent/infohash.ts';
import { COMPACT_HALFWORD, Peer } from '../../../bittorrent/peer.ts';
import { NONE } from '../hash-index.ts';
import { ID_WORDS } from '../record-slab.ts';
import { EPOCH } from '../seconds.ts';
import type { SwarmPeers } from '../swarm-peers.ts';
import { INFOHASH_WORDS, PEERS, SNATCHES } from '../swarm-table.ts';
import type { Block } from './block.ts';
import {
  COMPACT_AT,
  EMPTIED_AT,
  ENTRY_BYTES,
  flagsAt,
  HEARD_AT,
  PAYLOAD_AT,
  PEERS_AT,
  peerBytes,
  SEEDER,
  SNATCHED,
  SNATCHES_AT,
} from './format.ts';
import { SnapshotError } from './snapshot-error.ts';

/** Seconds, as the store counts them. */
export interface LoadTimes {
  readonly begun: number;
  readonly now: number;
  /** Peers last heard of before it are not remembered any more. */
  readonly cutoff: number;
}

export class SwarmLoad {
  entries = 0;
  /** Peers read, and of those the ones left out: by their age, by a limit. */
  peers = 0;
  expired = 0;
  refused = 0;
  readonly #peers: SwarmPeers;
  readonly #times: LoadTimes;
  readonly #peerBytes: number;
  readonly #flagsAt: number;
  readonly #infohash = new Infohash();
  readonly #peer = new Peer();

  constructor(peers: SwarmPeers, times: LoadTimes) {
    this.#peers = peers;
    this.#times = times;
    this.#peerBytes = peerBytes(peers.family);
    this.#flagsAt = flagsAt(peers.family);
    this.#peer.family = peers.family;
  }

  /**
   * Puts in all entries of a block.
   *
   * @throws SnapshotError if the payload does not end where its last entry does
   */
  take(block: Block): void {
    let at = PAYLOAD_AT;
    while (at < block.end) {
      const count = at + ENTRY_BYTES <= block.end ? block.number(at + PEERS_AT) : 0;
      const next = at + ENTRY_BYTES + count * this.#peerBytes;
      if (next > block.end) {
        throw new SnapshotError(
          'damaged',
          `expected an entry to end at ${block.end} of its block, found ${next}`,
        );
      }
      this.#takeEntry(block, at, count);
      at = next;
    }
  }

  #takeEntry(block: Block, at: number, count: number): void {
    const { swarms } = this.#peers;
    const { words } = this.#infohash;
    for (let i = 0; i < INFOHASH_WORDS; i++) words[i] = block.words[(at >>> 2) + i] as number;
    this.entries++;
    this.peers += count;
    const known = swarms.find(this.#infohash);
    const swarm = known === NONE ? swarms.add(this.#infohash) : known;
    if (swarm === NONE) {
      this.refused += count;
      return;
    }
    for (let i = 0; i < count; i++) {
      this.#takePeer(swarm, known !== NONE, block, at + ENTRY_BYTES + i * this.#peerBytes);
    }
    swarms.set(swarm, SNATCHES, block.number(at + SNATCHES_AT));
    if (this.#peers.size(swarm) > 0) return;
    swarms.set(swarm, PEERS, this.#emptied(block.number(at + EMPTIED_AT)));
    this.#peers.removeIfUnused(swarm);
  }

  /**
   * When the last peer of a swarm left that only remembers its snatches, in terms of this run: the time that the
   * tracker was down does not count.
   */
  #emptied(unix: number): number {
    const { begun, now } = this.#times;
    return unix === 0 ? now : Math.min(now, unix - EPOCH + Math.max(0, now - begun));
  }

  #takePeer(swarm: number, mayBeThere: boolean, block: Block, at: number): void {
    const peers = this.#peers;
    const { now, cutoff } = this.#times;
    // A clock that has been set back must not keep peers for longer.
    const heard = Math.min(block.number(at + HEARD_AT) - EPOCH, now);
    if (heard < cutoff) {
      this.expired++;
      return;
    }
    this.#readPeer(block, at);
    const flags = block.bytes[at + this.#flagsAt] as number;
    const seeder = (flags & SEEDER) !== 0;
    let position = mayBeThere ? peers.find(swarm, this.#peer) : NONE;
    if (position === NONE) {
      position = peers.add(swarm, this.#peer, seeder, heard);
      if (position === NONE) {
        this.refused++;
        return;
      }
    } else {
      peers.touch(swarm, position, heard);
      position = peers.setSeeder(swarm, position, seeder);
    }
    // The swarm's count, which this changes, is set afterwards.
    if (flags & SNATCHED) peers.snatch(swarm, position);
  }

  #readPeer(block: Block, at: number): void {
    const { words, halfwords } = this.#peer;
    const { width } = this.#peers.slab;
    for (let i = 0; i < ID_WORDS; i++) words[i] = block.words[(at >>> 2) + i] as number;
    const compact = (at + COMPACT_AT) >>> 1;
    for (let i = 0; i < width; i++) halfwords[COMPACT_HALFWORD + i] = block.halfwords[compact + i] as number;
  }
}
