/** The system calls that a client of the batched socket needs besides the tracker's own. */

import { type Libc, loadLibc } from '../../src/pkg/libc.ts';

export interface ClientLibc extends Libc {
  connect(fd: number, address: Uint8Array, length: number): number;
  /** Waits in this thread: a load generator has nothing else to do. */
  wait(descriptors: Int32Array, count: number, timeout: number): number;
}

/** Throws, with the reason, where the calls are not to be had. */
export async function loadClientLibc(): Promise<ClientLibc> {
  const libc = await loadLibc();
  const { default: koffi } = await import('koffi');
  const process_ = koffi.load(null);
  return {
    ...libc,
    connect: process_.func('int connect(int fd, const void *address, uint32_t length)'),
    wait: process_.func('int poll(void *descriptors, size_t count, int timeout)'),
  };
}
