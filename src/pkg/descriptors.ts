/**
 * Open descriptors that Node knows nothing of, because system calls of our own have opened them (libc.ts). They would outlive a
 * worker thread that dies: connections would hang, and packets would go on to a socket that nobody reads. A
 * worker therefore notes them in memory that it shares with its supervisor, which closes what is left.
 *
 * In the main thread nothing is noted: its end is the process's.
 */

/** As many as a process may have, unless the system was told otherwise. What is beyond is not noted. */
export const MOST_NOTED = 1 << 20;

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
  if (own !== undefined && fd >= 0 && fd < MOST_NOTED)
    own.open[fd >>> 5] = (own.open[fd >>> 5] as number) | (1 << (fd & 31));
  return fd;
}

/** To be called before a descriptor is closed, as its number may be another's afterwards, and when it is given to Node, which closes it. */
export function noteClosed(fd: number): void {
  if (own !== undefined && fd >= 0 && fd < MOST_NOTED)
    own.open[fd >>> 5] = (own.open[fd >>> 5] as number) & ~(1 << (fd & 31));
}
