/** The memory that a block of a snapshot is put together in, or read into: one size, used again and again. */

import { crc32 } from 'node:zlib';
import { readUint32LittleEndian, writeUint32LittleEndian } from '../../../pkg/bytes.ts';
import { CHECKSUM_BYTES, KIND_AT, LENGTH_AT, MAX_PAYLOAD, PAYLOAD_AT } from './format.ts';

export class Block {
  readonly bytes: Uint8Array;
  /** The same memory in the machine's order, to copy what has no order: ids, addresses, infohashes. */
  readonly words: Int32Array;
  readonly halfwords: Uint16Array;
  /** Where the payload ends. */
  end = PAYLOAD_AT;

  constructor() {
    const buffer = new ArrayBuffer(PAYLOAD_AT + MAX_PAYLOAD + CHECKSUM_BYTES);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.halfwords = new Uint16Array(buffer);
  }

  get kind(): number {
    return this.number(KIND_AT);
  }

  /** Empties the block. */
  begin(kind: number): void {
    this.setNumber(KIND_AT, kind);
    this.end = PAYLOAD_AT;
  }

  /** Whether the payload can be so much longer. */
  hasRoom(bytes: number): boolean {
    return this.end + bytes <= PAYLOAD_AT + MAX_PAYLOAD;
  }

  /** Writes length and checksum, and returns the latter. The bytes up to `sealedEnd` then are the block. */
  seal(previous: number): number {
    this.setNumber(LENGTH_AT, this.end - PAYLOAD_AT);
    const checksum = this.checksum(previous);
    this.setNumber(this.end, checksum);
    return checksum;
  }

  get sealedEnd(): number {
    return this.end + CHECKSUM_BYTES;
  }

  /** The checksum that the block should have after one that has `previous`. */
  checksum(previous: number): number {
    return crc32(this.bytes.subarray(0, this.end), previous);
  }

  number(at: number): number {
    return readUint32LittleEndian(this.bytes, at);
  }

  setNumber(at: number, value: number): void {
    writeUint32LittleEndian(this.bytes, at, value);
  }
}
