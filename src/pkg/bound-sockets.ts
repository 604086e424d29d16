/**
 * Sockets that are bound already, by root before the tracker became another user or by whoever started it: whoever is to
 * listen on such an address takes the socket instead of binding one.
 *
 * Several workers each take a duplicate, and the supervisor keeps what was bound, for one that takes the place of a
 * worker that died. Meanwhile packets and connections wait in the socket.
 */

import { F_DUPFD_CLOEXEC } from './libc.ts';
import { type ListenAddress, sameAddress } from './listen-address.ts';

export type SocketType = 'stream' | 'dgram';

export interface BoundSocket {
  readonly type: SocketType;
  /** As the configuration has it. */
  readonly address: ListenAddress;
  /** One for each worker, or fewer that they share. */
  readonly descriptors: readonly number[];
}

/** Of `Libc`. Its other types are Node's, which a program that embeds the tracker need not have. */
interface DescriptorCalls {
  fcntl(fd: number, command: number, argument: number): number;
  close(fd: number): number;
}

export class BoundSockets {
  readonly #duplicate: (descriptor: number) => number;
  #sockets: readonly BoundSocket[];

  /** @param libc with it, what is taken are duplicates */
  constructor(sockets: readonly BoundSocket[], libc?: DescriptorCalls) {
    this.#sockets = sockets;
    this.#duplicate = libc
      ? (descriptor) => libc.fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
      : (descriptor) => descriptor;
  }

  has(type: SocketType, address: ListenAddress): boolean {
    return this.#sockets.some((socket) => isAt(socket, type, address));
  }

  /** The descriptor of a socket at that address, which is the caller's from then on: it can be taken once. */
  take(type: SocketType, address: ListenAddress): number | undefined {
    const taken = this.#sockets.find((socket) => isAt(socket, type, address));
    const [descriptor] = taken?.descriptors ?? [];
    if (descriptor === undefined) return undefined;
    this.#sockets = this.#sockets.filter((socket) => socket !== taken);
    return this.#duplicate(descriptor);
  }

  /** What the worker of that number, from 1, may take. */
  ofWorker(number: number): BoundSocket[] {
    return this.#sockets.map(({ type, address, descriptors }) => ({
      type,
      address,
      descriptors: descriptors.slice((number - 1) % descriptors.length).slice(0, 1),
    }));
  }

  /** Closes those that are not wanted any more. */
  release(libc: DescriptorCalls, unwanted: (socket: BoundSocket) => boolean = () => true): void {
    const released = this.#sockets.filter(unwanted);
    this.#sockets = this.#sockets.filter((socket) => !released.includes(socket));
    for (const descriptor of released.flatMap(({ descriptors }) => descriptors)) libc.close(descriptor);
  }
}

function isAt(socket: BoundSocket, type: SocketType, address: ListenAddress): boolean {
  return socket.type === type && sameAddress(socket.address, address);
}
