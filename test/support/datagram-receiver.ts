/** A Unix socket for datagrams, such as systemd has for those that it has started. Node has none; this is libc's. */

import { readSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { loadLibc } from '../../src/pkg/libc.ts';
import { SOCK_DGRAM } from '../../src/pkg/reuse-port.ts';
import { AF_UNIX, encodeUnixAddress } from '../../src/pkg/socket-address.ts';
import { until } from './until.ts';

const SOCK_NONBLOCK = 0o4000;

export class DatagramReceiver {
  readonly #fd: number;

  /** @param path with `@` first, a name without a file */
  static async bind(path: string): Promise<DatagramReceiver> {
    const libc = await loadLibc();
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const address = encodeUnixAddress(path);
    if (libc.bind(fd, address, address.length) < 0) throw new Error(`cannot bind ${path}: ${libc.errno()}`);
    onTestFinished(() => void libc.close(fd));
    return new DatagramReceiver(fd);
  }

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** The next datagram, as lines. */
  receive(): Promise<string[]> {
    const bytes = Buffer.alloc(4096);
    // There being none is an error, EAGAIN.
    return until('a datagram', () => bytes.toString('utf8', 0, readSync(this.#fd, bytes)).split('\n'));
  }
}
