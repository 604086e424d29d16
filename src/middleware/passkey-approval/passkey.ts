/** What a passkey is. */

/** Bytes. A guess has to be hopeless, and the work for a bad key small. */
export const SHORTEST_PASSKEY = 8;
export const LONGEST_PASSKEY = 64;

/** For messages: what is expected. */
export const PASSKEY = `a passkey of ${SHORTEST_PASSKEY} to ${LONGEST_PASSKEY} letters, digits, "-", ".", "_" and "~"`;

/** Bytes that need no escape in a URL (RFC 3986, unreserved). */
const UNRESERVED = new Uint8Array(256);
for (const byte of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')) {
  UNRESERVED[byte] = 1;
}

export function isPasskey(text: Uint8Array, start = 0, end = text.length): boolean {
  if (end - start < SHORTEST_PASSKEY || end - start > LONGEST_PASSKEY) return false;
  for (let i = start; i < end; i++) if (UNRESERVED[text[i] as number] === 0) return false;
  return true;
}
