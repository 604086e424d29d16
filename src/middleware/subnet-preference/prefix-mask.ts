/** The bits of an address that a prefix has. */

/**
 * As halfwords in the machine's own order, like those of a compact entry: an address has a prefix in common
 * with another where no bit of the mask differs. No longer than it has bits.
 */
export function prefixMask(bits: number): Uint16Array {
  const bytes = new Uint8Array(2 * Math.ceil(bits / 16));
  for (let i = 0; i < bits; i++) bytes[i >>> 3] = (bytes[i >>> 3] as number) | (0x80 >>> (i & 7));
  return new Uint16Array(bytes.buffer);
}

/** Prefix lengths without repetition, the longest first: the levels of a preference. */
export function byLength(prefixes: readonly number[]): number[] {
  return [...new Set(prefixes)].sort((a, b) => b - a);
}
