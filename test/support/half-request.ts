/** A request over HTTP that has begun, and does not go on by itself. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * Resolves when the tracker, which must keep connections alive, has read that much of it. It comes in one piece with a
 * request before it, which is answered: of what only has been sent a busy tracker may know nothing yet.
 *
 * @param start what comes of it
 */
export async function halfRequest(port: number, start = 'GET /announce?info'): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET /scrape HTTP/1.1\r\nHost: x\r\n\r\n${start}`);
  await once(socket, 'data');
  return socket;
}
