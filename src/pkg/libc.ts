/**
 * System calls that Node does not have, by way of koffi: batches of UDP packets, and sockets that share a
 * port. Only on Linux, on 64-bit little-endian machines: structures are written as bytes, and that is where
 * their layout is one and the same for glibc and musl.
 */

import { getSystemErrorMap } from 'node:util';

/** A buffer whose address a call is given. */
type Memory = Uint8Array | Int32Array;

export interface Libc {
  /** The address of a typed array's first byte, good as long as the array is referenced. */
  address(memory: Memory): bigint;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Memory, length: number): number;
  getsockname(fd: number, address: Memory, length: Memory): number;
  setsockopt(fd: number, level: number, name: number, value: Memory, length: number): number;
  /** `length` is that of `value`, and then of what it was given. */
  getsockopt(fd: number, level: number, name: number, value: Memory, length: Memory): number;
  /** `headers` is an address. */
  recvmmsg(fd: number, headers: bigint, count: number, flags: number, timeout: null): number;
  /** `headers` is an address. */
  sendmmsg(fd: number, headers: bigint, count: number, flags: number): number;
  sendto(
    fd: number,
    bytes: Memory,
    length: number,
    flags: number,
    address: Memory,
    addressLength: number,
  ): number;
  eventfd(initial: number, flags: number): number;
  write(fd: number, bytes: Memory, length: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  close(fd: number): number;
  /** Waits in a thread of the pool; resolves to what poll returns. */
  poll(descriptors: Memory, count: number, timeout: number): Promise<number>;
  /** Of the last call that returned -1. */
  errno(): number;
}

/** Loads the calls. Throws, with the reason, where they are not to be had. */
export async function loadLibc(): Promise<Libc> {
  if (process.platform !== 'linux')
    throw new Error(`Linux's system calls are not to be had on ${process.platform}`);
  if (!['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)) {
    throw new Error(`Linux's system calls are not supported on ${process.arch}`);
  }
  const { default: koffi } = await import('koffi');
  const process_ = koffi.load(null);
  const poll = process_.func('int poll(void *descriptors, size_t count, int timeout)');
  return {
    address: (memory) => koffi.address(memory),
    socket: process_.func('int socket(int domain, int type, int protocol)'),
    bind: process_.func('int bind(int fd, const void *address, uint32_t length)'),
    getsockname: process_.func('int getsockname(int fd, void *address, void *length)'),
    setsockopt: process_.func(
      'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
    ),
    getsockopt: process_.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
    recvmmsg: process_.func(
      'int recvmmsg(int fd, void *headers, unsigned int count, int flags, void *timeout)',
    ),
    sendmmsg: process_.func('int sendmmsg(int fd, void *headers, unsigned int count, int flags)'),
    sendto: process_.func(
      'int64_t sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)',
    ),
    eventfd: process_.func('int eventfd(unsigned int initial, int flags)'),
    write: process_.func('int64_t write(int fd, const void *bytes, size_t length)'),
    fcntl: process_.func('int fcntl(int fd, int command, long argument)'),
    close: process_.func('int close(int fd)'),
    poll: (descriptors, count, timeout) =>
      new Promise((resolve, reject) => {
        poll.async(descriptors, count, timeout, (error: unknown, result: number) =>
          error ? reject(error) : resolve(result),
        );
      }),
    errno: () => koffi.errno(),
  };
}

/** The error of a call that has just returned -1, in the form Node gives its own. */
export function lastError(libc: Libc, what: string): NodeJS.ErrnoException {
  const errno = libc.errno();
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return Object.assign(new Error(`${what}: ${code}: ${text}`), { code, errno: -errno });
}
