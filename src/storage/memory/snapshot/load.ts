/** Reads a snapshot into a store that is empty, and that nobody else has yet. */

import type { FileHandle } from 'node:fs/promises';
import type { MemoryPeerStore } from '../peer-store.ts';
import { EPOCH, toSecond } from '../seconds.ts';
import type { Block } from './block.ts';
import { BlockReader } from './block-reader.ts';
import { END_ENTRIES_AT, END_PEERS_AT, PAYLOAD_AT } from './format.ts';
import { SnapshotError } from './snapshot-error.ts';
import { SwarmLoad } from './swarm-load.ts';

/** What was read. */
export interface Loaded {
  /** In seconds since 1970. */
  readonly begun: number;
  readonly bytes: number;
  /** Peers that are in the store now, and those that were left out: by their age, by a limit. */
  readonly peers: number;
  readonly expired: number;
  readonly refused: number;
}

/**
 * @param now milliseconds since 1970
 * @param lifetime how long peers are remembered, in milliseconds
 * @throws SnapshotError if the file is not a whole snapshot; the store is then good for nothing
 */
export async function load(
  store: MemoryPeerStore,
  file: FileHandle,
  now: number,
  lifetime: number,
): Promise<Loaded> {
  const reader = new BlockReader(file);
  const begun = await reader.readHeader();
  const times = { begun: begun - EPOCH, now: toSecond(now), cutoff: toSecond(now - lifetime) };
  const loads = store.families.map((peers) => new SwarmLoad(peers, times));
  const sum = (count: 'entries' | 'peers' | 'expired' | 'refused') =>
    loads.reduce((total, load) => total + load[count], 0);
  while (await reader.next()) {
    const at = store.families.findIndex(({ family }) => family === reader.block.kind);
    (loads[at] as SwarmLoad).take(reader.block);
  }
  compare(reader.block, END_ENTRIES_AT, 'entries', sum('entries'));
  compare(reader.block, END_PEERS_AT, 'peers', sum('peers'));
  const { seeders, leechers } = store.totals();
  return {
    begun,
    bytes: reader.length,
    peers: seeders + leechers,
    expired: sum('expired'),
    refused: sum('refused'),
  };
}

function compare(end: Block, at: number, what: string, found: number): void {
  const expected = end.number(PAYLOAD_AT + at);
  if (expected === found) return;
  throw new SnapshotError('damaged', `expected ${expected} ${what}, found ${found}`);
}
