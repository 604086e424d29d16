/** Integers and text in byte arrays. Of integers, shifts beat DataView and Buffer's methods by a factor of two and more. */

/** Unsigned, network order. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return (
    (((bytes[offset] as number) << 24) |
      ((bytes[offset + 1] as number) << 16) |
      ((bytes[offset + 2] as number) << 8) |
      (bytes[offset + 3] as number)) >>>
    0
  );
}

/** Signed, least significant byte first. */
export function readInt32LittleEndian(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] as number) |
    ((bytes[offset + 1] as number) << 8) |
    ((bytes[offset + 2] as number) << 16) |
    ((bytes[offset + 3] as number) << 24)
  );
}

/** Unsigned, least significant byte first. */
export function readUint32LittleEndian(bytes: Uint8Array, offset: number): number {
  return readInt32LittleEndian(bytes, offset) >>> 0;
}

/** The low 32 bits of `value`, network order. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** The low 32 bits of `value`, least significant byte first. */
export function writeUint32LittleEndian(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** `bytes[start, end)` as text, a character a byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Unsigned: the four bytes, in network order, that two halfwords of the machine's own order hold. */
export function networkUint32(halfwords: Uint16Array, offset: number): number {
  const first = halfwords[offset] as number;
  const second = halfwords[offset + 1] as number;
  if (!LITTLE_ENDIAN) return ((first << 16) | second) >>> 0;
  return (((first & 0xff) << 24) | ((first >>> 8) << 16) | ((second & 0xff) << 8) | (second >>> 8)) >>> 0;
}
