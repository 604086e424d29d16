/**
 * What sendmmsg is told to send of a batch of answers, in an order of its own: each by itself, or together with those
 * behind it as one message that the kernel cuts into datagrams of one length (UDP_SEGMENT, linux/udp.h).
 *
 *   answers     0   1   2   3   4   5      3 has none; 1 and 2 go to one client, 4 and 5 to another
 *   places      0   2   1   4   5          2 is longer than 1
 *               │   └─┬─┘   └─┬─┘
 *   headers     0     1       2
 */

import type { Libc } from '../../../pkg/libc.ts';
import {
  BATCH,
  CONTROL,
  CONTROL_LENGTH,
  HEADER,
  HEADER_WORDS,
  type MessageHeaders,
  NAME,
  NAME_LENGTH,
  VECTOR,
  VECTOR_LENGTH,
  VECTOR_WORDS,
  VECTORS,
  VECTORS_AT,
} from './message-headers.ts';

const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const CMSG_LENGTH = 18;
/** With what fills it up. */
const CMSG_SPACE = 24;

/** Datagrams that the kernel cuts are not cut again on their way: as long as every IPv6 network carries (RFC 8200 section 5). */
const LONGEST_SEGMENT = 1280 - 40 - 8;
const LONGEST_MESSAGE = 65_507;

export class OutgoingHeaders {
  readonly address: bigint;
  /** Whether the kernel cuts messages up. */
  cuts: boolean;
  readonly #answers: MessageHeaders;
  readonly #headers = new Int32Array((HEADER * BATCH) / 4);
  readonly #vectors = new Int32Array((VECTOR * BATCH) / 4);
  /** The address of each place's vector, two words. */
  readonly #vectorsAt: Int32Array;
  readonly #nameWords: Int32Array;
  readonly #controlWords: Int32Array;
  /** Of each place the answer that has it, how long that is, and the first of the places of its client. */
  readonly #order = new Int32Array(BATCH);
  readonly #lengths = new Int32Array(BATCH);
  readonly #clients = new Int32Array(BATCH);
  /** Of each header the place it begins with. */
  readonly #first = new Int32Array(BATCH);

  /** @param answers the batch; the lengths of their names and control messages are set before they are arranged */
  constructor(libc: Libc, fd: number, answers: MessageHeaders) {
    this.cuts = libc.setsockopt(fd, SOL_UDP, UDP_SEGMENT, Int32Array.of(0), 4) === 0;
    this.#answers = answers;
    this.#nameWords = new Int32Array(answers.names.buffer);
    this.#controlWords = new Int32Array(answers.controls.buffer);
    this.address = libc.address(this.#headers);
    const vectorsAt = libc.address(this.#vectors);
    const places = BigUint64Array.from({ length: BATCH }, (_, i) => vectorsAt + BigInt(i * VECTOR));
    this.#vectorsAt = new Int32Array(places.buffer);
  }

  /**
   * Gives the first `count` answers their places: as they stand, but of neighbours to one client the longest first,
   * for those of one length can leave as one.
   *
   * @param lengths bytes of each answer, 0 of one that has none
   * @returns how many places there are
   */
  arrange(lengths: Int32Array, count: number): number {
    const order = this.#order;
    let places = 0;
    let client = 0;
    for (let answer = 0; answer < count; answer++) {
      const length = lengths[answer] as number;
      if (length === 0) continue;
      if (places > 0 && !(this.cuts && this.#sameWay(order[places - 1] as number, answer))) client = places;
      this.#clients[places] = client;
      let place = places++;
      for (; place > client && (this.#lengths[place - 1] as number) < length; place--) {
        order[place] = order[place - 1] as number;
        this.#lengths[place] = this.#lengths[place - 1] as number;
      }
      order[place] = answer;
      this.#lengths[place] = length;
    }
    for (let place = 0; place < places; place++) this.#setVector(place);
    return places;
  }

  /**
   * Makes headers for the places `[from, to)`.
   *
   * @param apart those before it leave one by one
   * @returns how many headers
   */
  fill(from: number, to: number, apart: number): number {
    let headers = 0;
    for (let place = from; place < to; headers++) {
      const together = place < apart ? 1 : this.#burst(place, to);
      this.#put(headers, place, together);
      place += together;
    }
    return headers;
  }

  /** The place that a header begins with. */
  firstOf(header: number): number {
    return this.#first[header] as number;
  }

  /** How many answers a header stands for. */
  countOf(header: number): number {
    return this.#headers[header * HEADER_WORDS + VECTORS] as number;
  }

  /** How many from a place on can leave as one message: those to one client, all as long as the first but for the last, which may be shorter. */
  #burst(first: number, to: number): number {
    const lengths = this.#lengths;
    const length = lengths[first] as number;
    if (!this.cuts || length > LONGEST_SEGMENT) return 1;
    let next = first + 1;
    for (; next < to && (next - first + 1) * length <= LONGEST_MESSAGE; next++) {
      if (this.#clients[next] !== this.#clients[first]) break;
      if (lengths[next] !== length) return next + 1 - first;
    }
    return next - first;
  }

  /** Whether two answers go to one client, from one of our addresses. */
  #sameWay(one: number, other: number): boolean {
    const answers = this.#answers;
    return (
      equal(this.#nameWords, (one * NAME) / 4, (other * NAME) / 4, answers.get(one, NAME_LENGTH) / 4) &&
      equal(
        this.#controlWords,
        (one * CONTROL) / 4,
        (other * CONTROL) / 4,
        answers.get(one, CONTROL_LENGTH) / 4,
      )
    );
  }

  #setVector(place: number): void {
    const from = this.#answers.vectors;
    const at = (this.#order[place] as number) * VECTOR_WORDS;
    const to = place * VECTOR_WORDS;
    // The address, which has two words; a length has one that is not zero.
    this.#vectors[to] = from[at] as number;
    this.#vectors[to + 1] = from[at + 1] as number;
    this.#vectors[to + VECTOR_LENGTH] = this.#lengths[place] as number;
  }

  #put(header: number, first: number, count: number): void {
    const headers = this.#headers;
    const answers = this.#answers;
    const answer = this.#order[first] as number;
    const at = header * HEADER_WORDS;
    this.#first[header] = first;
    for (let word = 0; word <= CONTROL_LENGTH; word++) headers[at + word] = answers.get(answer, word);
    headers[at + VECTORS_AT] = this.#vectorsAt[2 * first] as number;
    headers[at + VECTORS_AT + 1] = this.#vectorsAt[2 * first + 1] as number;
    if (count === 1) return;
    const controlLength = answers.get(answer, CONTROL_LENGTH);
    const words = this.#controlWords;
    const control = (answer * CONTROL + controlLength) / 4;
    words[control] = CMSG_LENGTH;
    words[control + 1] = 0;
    words[control + 2] = SOL_UDP;
    words[control + 3] = UDP_SEGMENT;
    words[control + 4] = this.#lengths[first] as number;
    headers[at + VECTORS] = count;
    headers[at + CONTROL_LENGTH] = controlLength + CMSG_SPACE;
  }
}

function equal(words: Int32Array, one: number, other: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (words[one + i] !== words[other + i]) return false;
  return true;
}
