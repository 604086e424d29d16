/**
 * Writes blocks to a file: while one is on its way to the disk the next is put together in other memory. There are
 * two, so a snapshot of any size takes half a megabyte.
 */

import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { writeUint32LittleEndian } from '../../../pkg/bytes.ts';
import { Block } from './block.ts';
import {
  BEGUN_AT,
  END,
  END_BLOCKS_AT,
  END_BYTES,
  END_ENTRIES_AT,
  END_PEERS_AT,
  HEADER_BYTES,
  HEADER_CHECKSUM_AT,
  MAGIC,
  PAYLOAD_AT,
  VERSION,
  VERSION_AT,
} from './format.ts';

export class BlockWriter {
  /** Bytes written. */
  length = 0;
  /** To be filled: `begin` it first. */
  block = new Block();
  readonly #file: FileHandle;
  #spare = new Block();
  #writing: Promise<void> = Promise.resolve();
  #checksum = 0;
  #blocks = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @param begun in seconds since 1970 */
  async writeHeader(begun: number): Promise<void> {
    const header = new Uint8Array(HEADER_BYTES);
    header.set(MAGIC);
    writeUint32LittleEndian(header, VERSION_AT, VERSION);
    writeUint32LittleEndian(header, BEGUN_AT, begun);
    this.#checksum = crc32(header.subarray(0, HEADER_CHECKSUM_AT));
    writeUint32LittleEndian(header, HEADER_CHECKSUM_AT, this.#checksum);
    await this.#write(header);
  }

  /** Takes the block, and has another in its place. Resolves when that one may be filled. */
  async next(): Promise<void> {
    const full = this.block;
    this.#checksum = full.seal(this.#checksum);
    this.#blocks++;
    await this.#writing;
    this.block = this.#spare;
    this.#spare = full;
    this.#writing = this.#write(full.bytes.subarray(0, full.sealedEnd));
    // Whoever waits next is told of a failure.
    this.#writing.catch(() => {});
  }

  /** Writes the last block. Resolves when the system has everything, though the disk may not yet. */
  async end(entries: number, peers: number): Promise<void> {
    const { block } = this;
    block.begin(END);
    block.setNumber(PAYLOAD_AT + END_BLOCKS_AT, this.#blocks);
    block.setNumber(PAYLOAD_AT + END_ENTRIES_AT, entries);
    block.setNumber(PAYLOAD_AT + END_PEERS_AT, peers);
    block.end = PAYLOAD_AT + END_BYTES;
    await this.next();
    await this.#writing;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += (await this.#file.write(bytes, at)).bytesWritten;
    }
    this.length += bytes.length;
  }
}
