/** The supervisor's side of what a worker notes of its open descriptors (pkg/descriptors.ts). */

import { type DescriptorRecord, MOST_NOTED } from '../pkg/descriptors.ts';
import { EFD_CLOEXEC_NONBLOCK, type Libc } from '../pkg/libc.ts';

export function openRecord(libc: Libc): DescriptorRecord {
  return {
    open: new Int32Array(new SharedArrayBuffer(MOST_NOTED / 8)),
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
