/** Writes a snapshot of a store, in slices between which the tracker serves. */

import type { FileHandle } from 'node:fs/promises';
import type { MemoryPeerStore } from '../peer-store.ts';
import { BlockWriter } from './block-writer.ts';
import { SwarmCopy } from './swarm-copy.ts';

/** A slice ends after this long, in milliseconds. */
export const SLICE = 0.25;

/** What was written. */
export interface Saved {
  readonly peers: number;
  readonly bytes: number;
}

/**
 * @param begun in milliseconds since 1970
 * @param abandoned asked between slices
 * @returns `undefined` if it was abandoned: the file then is no snapshot
 */
export async function save(
  store: MemoryPeerStore,
  file: FileHandle,
  begun: number,
  abandoned: () => boolean,
): Promise<Saved | undefined> {
  const writer = new BlockWriter(file);
  await writer.writeHeader(Math.floor(begun / 1000));
  let entries = 0;
  let peers = 0;
  for (const family of store.families) {
    const copy = new SwarmCopy(family, store.locks);
    try {
      writer.block.begin(family.family);
      for (;;) {
        const pause = copy.slice(writer.block, performance.now() + SLICE);
        if (pause !== 'time') await writer.next();
        if (pause === 'end') break;
        if (pause === 'room') writer.block.begin(family.family);
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (abandoned()) return undefined;
      }
    } finally {
      copy.close();
    }
    entries += copy.entries;
    peers += copy.copied;
  }
  await writer.end(entries, peers);
  return { peers, bytes: writer.length };
}
