/**
 * Open descriptors that Node knows nothing of, because system calls of our own have opened them (libc.ts). They would outlive a
 * worker thread that dies: connections would hang, and packets would go on to a socket that nobody reads. A
 * worker therefore notes them in memory that it shares with its supervisor, which closes what is left.
 *
 * In the main thread nothing is noted: its end is the process's.
 */

import type { Libc } from './libc.ts';

/** As many as a process may have, unless the system was told otherwise. What is beyond is not noted. */
const MOST = 1 << 20;

const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;

/** What a supervisor gives a worker to note its descriptors in. */
export interface DescriptorRecord {
  /** A bit for each descriptor. */
  readonly open: Int32Array;
  /**
   * An eventfd; written to, it ends the call that waits in a thread of the pool, which a dying thread waits for, and no other follows. The
   * supervisor's, so that its number means nothing else while there may be anybody who writes to it.
   */
  readonly wake: number;
}

export function openRecord(libc: Libc): DescriptorRecord {
  return {
    open: new Int32Array(new SharedArrayBuffer(MOST / 8)),
    wake: libc.eventfd(0, EFD_CLOEXEC_NONBLOCK),
  };
}

/** Closes what a thread has left open that is gone, and the record. */
export function closeRecord({ open, wake }: DescriptorRecord, libc: Libc): void {
  for (let word = 0; word < open.length; word++) {
    for (let bits = open[word] as number; bits !== 0; bits &= bits - 1) {
      libc.close(32 * word + 31 - Math.clz32(bits & -bits));
    }
    open[word] = 0;
  }
  libc.close(wake);
}

export function wakeThread({ wake }: DescriptorRecord, libc: Libc): void {
  libc.write(wake, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
}

let own: DescriptorRecord | undefined;

/** To be called before this thread opens anything. */
export function recordDescriptors(record: DescriptorRecord): void {
  own = record;
}

/** The eventfd of this thread's record. */
export function recordedWake(): number | undefined {
  return own?.wake;
}

/** Notes what a call has returned, and returns it; an error is none. */
export function noteOpened(fd: number): number {
  if (own !== undefined && fd >= 0 && fd < MOST)
    own.open[fd >>> 5] = (own.open[fd >>> 5] as number) | (1 << (fd & 31));
  return fd;
}

/** To be called before a descriptor is closed, as its number may be another's afterwards, and when it is given to Node, which closes it. */
export function noteClosed(fd: number): void {
  if (own !== undefined && fd >= 0 && fd < MOST)
    own.open[fd >>> 5] = (own.open[fd >>> 5] as number) & ~(1 << (fd & 31));
}
