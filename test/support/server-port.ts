/** Ports for servers that cannot be told to take any and say which. */

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** A Redis in a cluster listens to the other nodes on its port and this. */
const BUS = 10_000;
const FIRST = 11_000;
const LAST = 22_000;

/**
 * A port on 127.0.0.1 that is free, as is the one that the cluster's bus takes beside it. Both are below those that
 * the system hands out by itself: a server is stopped and started on the same port, and meanwhile neither another
 * test nor a client that tries to reconnect can have got it. Another server may still be faster: try again then.
 */
export async function serverPort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST);
    if ((await isFree(port)) && (await isFree(port + BUS))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
