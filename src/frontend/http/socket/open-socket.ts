/** Chooses the socket: system calls of our own where they are to be had, else Node's. TLS is always Node's. */

import { createServer } from 'node:net';
import { type Libc, loadLibc } from '../../../pkg/libc.ts';
import type { ListenAddress } from '../../../pkg/listen-address.ts';
import type { Logger } from '../../../pkg/logger.ts';
import { listen, listenByCalls } from '../listen.ts';
import { EpollListener } from './epoll-listener.ts';
import { NodeListener } from './node-listener.ts';
import type { Acceptor, ListeningSocket } from './socket.ts';

export const SOCKET_KINDS = ['auto', 'epoll', 'node'] as const;

export interface SocketOptions {
  readonly kind: (typeof SOCKET_KINDS)[number];
  readonly secure: boolean;
  readonly reusePort: boolean;
  /** Of a socket that is bound there already. */
  readonly descriptor: number | undefined;
}

/** @throws Error that names the address, if it cannot be bound */
export async function openSocket(
  address: ListenAddress,
  options: SocketOptions,
  acceptor: Acceptor,
  logger: Logger,
): Promise<ListeningSocket> {
  const { kind, secure } = options;
  const libc = secure || kind === 'node' ? undefined : await libcOr(kind, logger);
  if (libc) return new EpollListener(libc, await listenByCalls(libc, address, options), acceptor);
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  await listen(server, secure ? 'https' : 'http', address, options);
  return new NodeListener(server, acceptor);
}

async function libcOr(kind: 'auto' | 'epoll', logger: Logger): Promise<Libc | undefined> {
  try {
    return await loadLibc();
  } catch (error) {
    const reason = (error as Error).message;
    if (kind === 'epoll') throw new Error(`http.socket is epoll, but ${reason}`, { cause: error });
    logger.info({ reason }, 'HTTP connections go through node:net');
    return undefined;
  }
}
