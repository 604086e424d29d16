/**
 * Ports for servers that cannot be told to take any and say which, and that come back on the same one after they were
 * killed. Meanwhile nobody else may get it: another group's sentinels would take a stranger's server for their own.
 *
 * - The ports are below those that the system hands out by itself. Besides, a client that tries again and again to
 *   connect to such a port, while nobody listens, is at some time given the same for its own end and meets itself.
 * - Among tests, in whatever process, a port is his who has the UDP socket of that number. It ends with the process.
 */

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** A Redis in a cluster listens to the other nodes on its port and this. The two ranges do not meet. */
const BUS = 10_000;
const FIRST = 11_000;
const END = FIRST + BUS;
const HOST = '127.0.0.1';

export interface ReservedPort {
  readonly port: number;
  /** Resolves when others may have it. */
  release(): Promise<void>;
}

/** A port on 127.0.0.1 where nobody listens, nor where the cluster's bus would be. */
export async function reservePort(): Promise<ReservedPort> {
  for (;;) {
    const port = randomInt(FIRST, END);
    const reserved = await reserve(port);
    if (!reserved) continue;
    if ((await isFree(port)) && (await isFree(port + BUS))) return reserved;
    await reserved.release();
  }
}

/** A port as `reservePort` gives one, but not kept from others, for those who bind it in both protocols. */
export async function freePort(): Promise<number> {
  const { port, release } = await reservePort();
  await release();
  return port;
}

function reserve(port: number): Promise<ReservedPort | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    // It keeps no process from ending.
    socket.bind({ port, address: HOST, exclusive: true }, () => {
      socket.unref();
      resolve({ port, release: () => new Promise((released) => socket.close(released)) });
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}
