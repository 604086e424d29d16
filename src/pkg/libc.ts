/**
 * System calls that Node does not have, by way of koffi: batches of UDP packets, sockets that share a port,
 * TCP connections without an object for each event. Only on Linux, on 64-bit little-endian machines: structures are written
 * as bytes, and that is where their layout is one and the same for glibc and musl.
 *
 * What is called for each packet or request takes addresses; the memory behind them must be referenced by whoever
 * calls, and be larger than 64 bytes: smaller typed arrays are moved by the garbage collector.
 */

import { getSystemErrorMap } from 'node:util';
import { noteClosed, noteOpened } from './descriptors.ts';

// Linux's constants that more than one file needs.
export const EAGAIN = 11;
export const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
export const F_DUPFD_CLOEXEC = 1030;

/** A buffer whose address a call is given. */
type Memory = Uint8Array | Int32Array;

export interface Libc {
  /** The address of a typed array's first byte, good as long as the array is referenced. */
  address(memory: Memory): bigint;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Memory, length: number): number;
  listen(fd: number, backlog: number): number;
  /** `address` and `length` are addresses, of a `sockaddr` and of its length. */
  accept4(fd: number, address: bigint, length: bigint, flags: number): number;
  /** `bytes` is an address. */
  recv(fd: number, bytes: bigint, length: number, flags: number): number;
  /** `bytes` is an address. */
  send(fd: number, bytes: bigint, length: number, flags: number): number;
  shutdown(fd: number, how: number): number;
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
  read(fd: number, bytes: Memory, length: number): number;
  write(fd: number, bytes: Memory, length: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  close(fd: number): number;
  epollCreate(flags: number): number;
  epollControl(epoll: number, operation: number, fd: number, event: Memory): number;
  /** `events` is an address. */
  epollWait(epoll: number, events: bigint, most: number, timeout: number): number;
  /** `timeout` is a `struct timespec`. */
  ppoll(descriptors: Memory, count: number, timeout: Memory, signals: null): number;
  /** `epollWait` in a thread of the pool; resolves to what it returns. */
  epollWaitAside(epoll: number, events: bigint, most: number, timeout: number): Promise<number>;
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
  const socket = process_.func('int socket(int domain, int type, int protocol)');
  const accept4 = process_.func('int accept4(int fd, void *address, void *length, int flags)');
  const eventfd = process_.func('int eventfd(unsigned int initial, int flags)');
  const fcntl = process_.func('int fcntl(int fd, int command, long argument)');
  const epollCreate = process_.func('int epoll_create1(int flags)');
  const epollWait = process_.func('int epoll_wait(int epoll, void *events, int most, int timeout)');
  const close = process_.func('int close(int fd)');
  return {
    address: (memory) => koffi.address(memory),
    socket: (domain, type, protocol) => noteOpened(socket(domain, type, protocol)),
    bind: process_.func('int bind(int fd, const void *address, uint32_t length)'),
    listen: process_.func('int listen(int fd, int backlog)'),
    accept4: (fd, address, length, flags) => noteOpened(accept4(fd, address, length, flags)),
    // What they return is a ssize_t, which no buffer of ours is too long for.
    recv: process_.func('int recv(int fd, void *bytes, size_t length, int flags)'),
    send: process_.func('int send(int fd, const void *bytes, size_t length, int flags)'),
    shutdown: process_.func('int shutdown(int fd, int how)'),
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
    eventfd: (initial, flags) => noteOpened(eventfd(initial, flags)),
    read: process_.func('int64_t read(int fd, void *bytes, size_t length)'),
    write: process_.func('int64_t write(int fd, const void *bytes, size_t length)'),
    fcntl: (fd, command, argument) => {
      const result = fcntl(fd, command, argument);
      return command === F_DUPFD_CLOEXEC ? noteOpened(result) : result;
    },
    close: (fd) => {
      noteClosed(fd);
      return close(fd);
    },
    epollCreate: (flags) => noteOpened(epollCreate(flags)),
    epollControl: process_.func('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
    epollWait,
    ppoll: process_.func(
      'int ppoll(void *descriptors, size_t count, const void *timeout, const void *signals)',
    ),
    epollWaitAside: (epoll, events, most, timeout) =>
      new Promise((resolve, reject) => {
        epollWait.async(epoll, events, most, timeout, (error: unknown, count: number) =>
          error ? reject(error) : resolve(count),
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
