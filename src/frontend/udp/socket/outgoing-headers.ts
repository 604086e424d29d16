/**
 * What sendmmsg is told to send of a batch of answers: some of them, in order, each by itself or together with
 * those behind it as one message that the kernel cuts into datagrams of one length (UDP_SEGMENT, linux/udp.h).
 *
 *   answers     0   1   2   3   4   5      3 has none
 *               │   └─┬─┘       └─┬─┘      1 and 2 go to one client, 4 and 5 to another
 *   headers     0     1           2
 */

import type { Libc } from '../../../pkg/libc.ts';
import {
  BATCH,
  CONTROL,
  CONTROL_LENGTH,
  HEADER_WORDS,
  type MessageHeaders,
  VECTORS,
} from './message-headers.ts';

const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const CMSG_LENGTH = 18;
/** With what fills it up. */
const CMSG_SPACE = 24;

export class OutgoingHeaders {
  readonly address: bigint;
  readonly #answers: MessageHeaders;
  readonly #headers = new Int32Array(HEADER_WORDS * BATCH);
  readonly #controlWords: Int32Array;
  /** Of each header the answer it begins with. */
  readonly #first = new Int32Array(BATCH);

  /** @param answers the batch; their lengths, and those of their names and control messages, are set before `put` */
  constructor(libc: Libc, answers: MessageHeaders) {
    this.#answers = answers;
    this.#controlWords = new Int32Array(answers.controls.buffer);
    this.address = libc.address(this.#headers);
  }

  /** Whether the kernel cuts the socket's messages. */
  static supported(libc: Libc, fd: number): boolean {
    return libc.setsockopt(fd, SOL_UDP, UDP_SEGMENT, Int32Array.of(0), 4) === 0;
  }

  /** Has `header` stand for `count` answers from `first` on: all as long as the first, but for the last, which may be shorter. */
  put(header: number, first: number, count: number): void {
    const headers = this.#headers;
    const answers = this.#answers;
    const at = header * HEADER_WORDS;
    this.#first[header] = first;
    for (let word = 0; word <= CONTROL_LENGTH; word++) headers[at + word] = answers.get(first, word);
    if (count === 1) return;
    const controlLength = answers.get(first, CONTROL_LENGTH);
    const words = this.#controlWords;
    const control = (first * CONTROL + controlLength) / 4;
    words[control] = CMSG_LENGTH;
    words[control + 1] = 0;
    words[control + 2] = SOL_UDP;
    words[control + 3] = UDP_SEGMENT;
    words[control + 4] = answers.lengthOf(first);
    headers[at + VECTORS] = count;
    headers[at + CONTROL_LENGTH] = controlLength + CMSG_SPACE;
  }

  firstOf(header: number): number {
    return this.#first[header] as number;
  }

  countOf(header: number): number {
    return this.#headers[header * HEADER_WORDS + VECTORS] as number;
  }
}
