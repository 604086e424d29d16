/** Reads the blocks of a snapshot one by one into the same memory, and believes none of them before it is proved. */

import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { AddressFamily } from '../../../bittorrent/address-family.ts';
import { readUint32LittleEndian } from '../../../pkg/bytes.ts';
import { Block } from './block.ts';
import {
  BEGUN_AT,
  CHECKSUM_BYTES,
  END,
  END_BLOCKS_AT,
  END_BYTES,
  HEADER_BYTES,
  HEADER_CHECKSUM_AT,
  LENGTH_AT,
  MAGIC,
  MAX_PAYLOAD,
  PAYLOAD_AT,
  VERSION,
  VERSION_AT,
} from './format.ts';
import { SnapshotError } from './snapshot-error.ts';

export class BlockReader {
  /** Valid until the next is read. */
  readonly block = new Block();
  /** Bytes read. */
  length = 0;
  readonly #file: FileHandle;
  #checksum = 0;
  #blocks = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * @returns when the snapshot was begun, in seconds since 1970
   * @throws SnapshotError
   */
  async readHeader(): Promise<number> {
    const header = new Uint8Array(HEADER_BYTES);
    const found = await this.#read(header, 0, HEADER_BYTES);
    const magic = Buffer.from(header.subarray(0, Math.min(found, MAGIC.length)));
    if (!MAGIC.subarray(0, magic.length).equals(magic) || found === 0) {
      const expected = `expected a file that begins with ${MAGIC.toString('hex')}`;
      throw new SnapshotError(
        'foreign',
        `${expected}, found ${found === 0 ? 'an empty one' : magic.toString('hex')}`,
      );
    }
    if (found < HEADER_BYTES) throw this.#cut(HEADER_BYTES, found);
    const version = readUint32LittleEndian(header, VERSION_AT);
    if (version !== VERSION) {
      throw new SnapshotError('version', `expected version ${VERSION} of the format, found ${version}`);
    }
    this.#checksum = crc32(header.subarray(0, HEADER_CHECKSUM_AT));
    this.#compare('the header', this.#checksum, readUint32LittleEndian(header, HEADER_CHECKSUM_AT));
    return readUint32LittleEndian(header, BEGUN_AT);
  }

  /**
   * Reads a block into `block`. Returns false if it is the last, the end's.
   *
   * @throws SnapshotError
   */
  async next(): Promise<boolean> {
    const { block } = this;
    const name = `block ${this.#blocks + 1}, at byte ${this.length},`;
    await this.#readAll(name, 0, PAYLOAD_AT);
    const length = block.number(LENGTH_AT);
    if (length > MAX_PAYLOAD || length % 4 !== 0) {
      const expected = `a length that is a multiple of 4 and at most ${MAX_PAYLOAD}`;
      throw new SnapshotError('damaged', `${name} is damaged: expected ${expected}, found ${length}`);
    }
    await this.#readAll(name, PAYLOAD_AT, length + CHECKSUM_BYTES);
    block.end = PAYLOAD_AT + length;
    this.#checksum = block.checksum(this.#checksum);
    this.#compare(name, this.#checksum, block.number(block.end));
    if (block.kind === END) {
      await this.#checkEnd();
      return false;
    }
    if (block.kind !== AddressFamily.IPv4 && block.kind !== AddressFamily.IPv6) {
      throw new SnapshotError('damaged', `${name} is of kind ${block.kind}, expected 4, 6 or 0`);
    }
    this.#blocks++;
    return true;
  }

  async #checkEnd(): Promise<void> {
    const { block } = this;
    if (block.end !== PAYLOAD_AT + END_BYTES) {
      throw new SnapshotError('damaged', `its last block is ${block.end} bytes long`);
    }
    const blocks = block.number(PAYLOAD_AT + END_BLOCKS_AT);
    if (blocks !== this.#blocks) {
      throw new SnapshotError('damaged', `expected ${blocks} blocks, found ${this.#blocks}`);
    }
    const whole = this.length;
    if ((await this.#read(new Uint8Array(1), 0, 1)) > 0) {
      throw new SnapshotError('damaged', `expected ${whole} bytes, found more`);
    }
  }

  #compare(name: string, expected: number, found: number): void {
    if (found === expected) return;
    const text = (checksum: number) => checksum.toString(16).padStart(8, '0');
    const message = `${name} is damaged: expected checksum ${text(expected)}, found ${text(found)}`;
    throw new SnapshotError('damaged', message);
  }

  async #readAll(name: string, at: number, length: number): Promise<void> {
    const found = await this.#read(this.block.bytes, at, length);
    if (found < length) throw this.#cut(length, found, name);
  }

  #cut(expected: number, found: number, name = 'the header'): SnapshotError {
    const message = `${name} is cut off: expected ${expected} more bytes, found ${found}`;
    return new SnapshotError('damaged', message);
  }

  /** Reads as many bytes as there are, up to `length`. */
  async #read(bytes: Uint8Array, at: number, length: number): Promise<number> {
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#file
        .read(bytes, at + done, length - done, null)
        .catch((error: Error) => {
          throw new SnapshotError('damaged', `it cannot be read: ${error.message}`);
        });
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    this.length += done;
    return done;
  }
}
