/** The text of an HTTP announce, as clients send it. */

const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

const ESCAPES = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});

export function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += ESCAPES[byte];
  return text;
}

/** @param keepAlive whether the connection is to be used again */
export function httpAnnounce(
  infohash: Uint8Array,
  peerId: Uint8Array,
  port: number,
  left: number,
  numwant: number,
  keepAlive: boolean,
): Buffer {
  const query =
    `info_hash=${percentEncode(infohash)}&peer_id=${percentEncode(peerId)}&port=${port}` +
    `&uploaded=0&downloaded=0&left=${left}&corrupt=0&key=01234567&numwant=${numwant}&compact=1&no_peer_id=1`;
  const head =
    `GET /announce?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1.0\r\n` +
    `Accept-Encoding: gzip\r\nConnection: ${keepAlive ? 'keep-alive' : 'close'}\r\n\r\n`;
  return Buffer.from(head, 'latin1');
}
