/**
 * The part of a peer id that names the client software and its version (BEP 20).
 *
 * Azureus style begins with `-`, and the six bytes after it count (`-TR4050-…` gives `TR4050`);
 * every other style gives its first six bytes.
 */

export const CLIENT_ID_LENGTH = 6;

/** Where in a peer id the client id begins: 1 or 0. */
export function clientIdOffset(peerId: Uint8Array): 0 | 1 {
  return peerId[0] === 0x2d ? 1 : 0;
}

/** The six bytes as text, a character a byte. */
export function clientId(peerId: Uint8Array): string {
  const start = clientIdOffset(peerId);
  return String.fromCharCode(...peerId.subarray(start, start + CLIENT_ID_LENGTH));
}
