/**
 * Answers on their way to a socket: heads and bodies one after the other in one buffer, so that one
 * write carries an answer, or a whole batch of answers to pipelined requests.
 *
 *     begin          room is kept for a head as long as the last one
 *     (the body)     written by the caller at `at`
 *     finish         the head goes in front; if the guess was wrong, the body moves
 *
 * The buffer belongs to the frontend, not to a connection: what is in it leaves with the same event
 * that put it there.
 */

import { ascii, countDigits, writeBytes, writeDigits } from './bencode.ts';

/** Large enough for a batch, small enough to be given away to a socket that is slow. */
const SIZE = 16_384;

/** Room for a head, whatever its status and length. */
const HEAD_ROOM = 256;

const OK = 'HTTP/1.1 200 OK';
const CONTENT_TYPE = 'Content-Type: text/plain; charset=utf-8';
const DATE_LENGTH = 'Sun, 06 Nov 1994 08:49:37 GMT'.length;

const CLOSE = ascii('\r\nConnection: close\r\n\r\n');
const KEEP_ALIVE = ascii('\r\nConnection: keep-alive\r\n\r\n');
const PERSIST = ascii('\r\n\r\n');

/** How an answer says what becomes of the connection. */
export const Persistence = { Close: 0, KeepAlive: 1, Implied: 2 } as const;
export type Persistence = (typeof Persistence)[keyof typeof Persistence];

const TAILS = [CLOSE, KEEP_ALIVE, PERSIST] as const;

/** The answers that are not bencoded, by status. */
const STATUS_LINES = new Map([
  [400, 'HTTP/1.1 400 Bad Request'],
  [404, 'HTTP/1.1 404 Not Found'],
  [405, 'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD'],
  [431, 'HTTP/1.1 431 Request Header Fields Too Large'],
]);
export type ErrorStatus = 400 | 404 | 405 | 431;

export class Output {
  bytes: Buffer = Buffer.allocUnsafeSlow(SIZE);
  /** Where the next byte goes. */
  at = 0;
  #answer = 0;
  /** Bytes of the last head. */
  #headLength = 0;
  readonly #ok: Buffer;
  #second = -1;
  #date = '';

  constructor() {
    this.#ok = Buffer.from(
      `${OK}\r\nDate: ${' '.repeat(DATE_LENGTH)}\r\n${CONTENT_TYPE}\r\nContent-Length: `,
      'latin1',
    );
    this.tick(Date.now());
  }

  /** Whether an answer with a body of `length` bytes fits behind those that wait. */
  fits(length: number): boolean {
    return this.at + HEAD_ROOM + length <= this.bytes.length;
  }

  /** Begins an answer with a body of at most `length` bytes. */
  begin(length: number): void {
    if (!this.fits(length)) this.#grow(this.at + HEAD_ROOM + length);
    this.#answer = this.at;
    this.at += this.#headLength;
  }

  /** Writes a piece of the body, or all of it; the answer has begun with room for it. */
  append(piece: Uint8Array): void {
    this.bytes.set(piece, this.at);
    this.at += piece.length;
  }

  /** Ends the answer whose body reaches up to `at`. @param bodiless to keep the head alone (HEAD) */
  finish(persistence: Persistence, bodiless: boolean): void {
    const tail = TAILS[persistence] as Uint8Array;
    const bodyStart = this.#answer + this.#headLength;
    const length = this.at - bodyStart;
    this.#headLength = this.#ok.length + countDigits(length) + tail.length;

    const { bytes } = this;
    const bodyTarget = this.#answer + this.#headLength;
    if (bodyTarget !== bodyStart) bytes.copyWithin(bodyTarget, bodyStart, this.at);
    bytes.set(this.#ok, this.#answer);
    writeBytes(bytes, writeDigits(bytes, this.#answer + this.#ok.length, length), tail);
    this.at = bodiless ? bodyTarget : bodyTarget + length;
  }

  /** A whole answer of another status than 200; its body repeats the reason. */
  writeStatus(status: ErrorStatus, persistence: Persistence, bodiless: boolean): void {
    const line = STATUS_LINES.get(status) as string;
    const body = `${line.slice('HTTP/1.1 '.length).split('\r\n', 1)[0]}\n`;
    const tail = Buffer.from(TAILS[persistence] as Uint8Array).toString('latin1');
    const head = `${line}\r\nDate: ${this.#date}\r\n${CONTENT_TYPE}\r\nContent-Length: ${body.length}${tail}`;
    const text = bodiless ? head : head + body;
    if (this.at + text.length > this.bytes.length) this.#grow(this.at + text.length);
    this.at += this.bytes.write(text, this.at, 'latin1');
  }

  /** What waits, a view of this buffer. */
  pending(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  /** Everything that waited has left. */
  clear(): void {
    this.at = 0;
  }

  /** What waited belongs to a socket now: goes on with other memory. */
  giveAway(): void {
    this.bytes = Buffer.allocUnsafeSlow(SIZE);
    this.at = 0;
  }

  /** Brings the `Date` field up to date; called a few times a second. */
  tick(milliseconds: number): void {
    const second = Math.floor(milliseconds / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = new Date(second * 1000).toUTCString();
    this.#ok.write(this.#date, OK.length + '\r\nDate: '.length, 'latin1');
  }

  #grow(size: number): void {
    const grown = Buffer.allocUnsafeSlow(size);
    grown.set(this.pending());
    this.bytes = grown;
  }
}
