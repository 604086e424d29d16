/** Chooses the socket: the batched one where the system has it, else the portable one. */

import { type Libc, loadLibc } from '../../../pkg/libc.ts';
import type { ListenAddress } from '../../../pkg/listen-address.ts';
import type { Logger } from '../../../pkg/logger.ts';
import { PRIVILEGED_PORT } from '../../privileged-port.ts';
import { DgramSocket } from './dgram-socket.ts';
import { MmsgSocket } from './mmsg-socket.ts';
import type { UdpSocket } from './socket.ts';

export const SOCKET_KINDS = ['auto', 'mmsg', 'dgram'] as const;

export interface SocketOptions {
  readonly kind: (typeof SOCKET_KINDS)[number];
  /** Bytes of packets the kernel may hold for us. */
  readonly receiveBuffer: number;
  readonly reusePort: boolean;
  /** Of a socket that is bound there already. */
  readonly descriptor?: number | undefined;
}

/** @throws Error that names the address and the reason */
export async function openSocket(
  address: ListenAddress,
  options: SocketOptions,
  logger: Logger,
): Promise<UdpSocket> {
  try {
    return await openChosen(address, options, logger);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === 'EACCES' ? new Error(`${message}: ${PRIVILEGED_PORT}`, { cause: error }) : error;
  }
}

async function openChosen(
  address: ListenAddress,
  options: SocketOptions,
  logger: Logger,
): Promise<UdpSocket> {
  if (options.kind === 'dgram') return DgramSocket.bind(address, options);
  let libc: Libc;
  try {
    libc = await loadLibc();
  } catch (error) {
    const reason = (error as Error).message;
    if (options.kind === 'mmsg') throw new Error(`udp.socket is mmsg, but ${reason}`, { cause: error });
    logger.info({ reason }, 'UDP packets go one by one through node:dgram');
    return DgramSocket.bind(address, options);
  }
  return MmsgSocket.bind(libc, address, options);
}
