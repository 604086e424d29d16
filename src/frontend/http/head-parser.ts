/**
 * The head of an HTTP/1.x request (RFC 9112): request line and header fields, from bytes.
 *
 *     GET /announce?info_hash=… HTTP/1.1 CRLF        method, target, version
 *     Host: tracker.example CRLF                     field lines
 *     CRLF
 *
 * Strict where leniency has let requests be smuggled: lines end in CRLF and nothing else, no control
 * byte, no folded line, no space before a colon, one Host, no body. A head may come in pieces: `read`
 * is called again with more bytes and goes on where it stopped, so that no byte is looked at twice
 * however slowly they drip in. Positions are bytes of the buffer handed to `read`; nothing is decoded.
 */

import { latin1 } from '../../pkg/bytes.ts';

/** Most bytes of a request line and its fields, the empty line included. */
export const MAX_HEAD = 16_384;

/** Most lines that the field named by `real_ip_header` may be spread over. */
const MAX_ADDRESS_LINES = 32;

export const HeadStatus = { Complete: 0, Incomplete: 1, Malformed: 2, TooLarge: 3 } as const;
export type HeadStatus = (typeof HeadStatus)[keyof typeof HeadStatus];

export const Method = { Get: 0, Head: 1, Other: 2 } as const;
export type Method = (typeof Method)[keyof typeof Method];

const HT = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COMMA = 0x2c;
const SLASH = 0x2f;
const COLON = 0x3a;
const QUESTION_MARK = 0x3f;

/** What a byte means in a line: 0 for controls other than HT, which may not stand there. */
const CONTROL = 0;
const PLAIN = 1;
const SPACE = 2;
const MARK = 3;
const MEANING = new Uint8Array(256).fill(PLAIN, SP).fill(CONTROL, 0x7f, 0x80);
MEANING[SP] = MEANING[HT] = SPACE;
MEANING[QUESTION_MARK] = MARK;

/** Bytes of a token (RFC 9110 section 5.6.2), lower-cased; 0 for every other. */
const TOKEN = new Uint8Array(256);
for (const byte of Buffer.from("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) TOKEN[byte] = byte;
for (let byte = 0x41; byte <= 0x5a; byte++) TOKEN[byte] = byte + 0x20;

const HOST = Buffer.from('host');
const CONNECTION = Buffer.from('connection');
const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const CLOSE = Buffer.from('close');
const KEEP_ALIVE = Buffer.from('keep-alive');
const VERSION = Buffer.from('HTTP/1.');
const GET = Buffer.from('GET');
const HEAD = Buffer.from('HEAD');

export class RequestHead {
  method: Method = Method.Other;
  pathStart = 0;
  pathEnd = 0;
  queryStart = 0;
  queryEnd = 0;
  /** 0 for HTTP/1.0; later versions than 1.1 count as 1. */
  minorVersion: 0 | 1 = 1;
  /** What the client asked for, by version and `Connection`. */
  keepAlive = false;
  /** Whether a body follows, which is not read. */
  hasBody = false;
  /** Where the lines of its fields begin. */
  fieldsStart = 0;
  /** Where the head ends. */
  end = 0;
  /** Where the values of the field named by `real_ip_header` stand: start and end, line by line. */
  readonly addressLines = new Int32Array(2 * MAX_ADDRESS_LINES);
  addressLineCount = 0;

  readonly #addressField: Uint8Array | undefined;
  /** Where the head begins, the line being read begins, and how far it has been looked at. */
  #start = 0;
  #line = 0;
  #scanned = 0;
  #inFields = false;
  /** Spaces in the request line so far, and where its first question mark is, or -1. */
  #spaces = 0;
  #mark = -1;
  #hosts = 0;
  #contentLengths = 0;
  #close = false;
  #keepAliveAsked = false;

  /** @param addressField name of a field whose values to note; compared without case */
  constructor(addressField?: string) {
    this.#addressField = addressField === undefined ? undefined : Buffer.from(addressField.toLowerCase());
  }

  /** Makes ready for the head that begins at `start`. */
  reset(start: number): void {
    this.#start = start;
    this.#line = start;
    this.#scanned = start;
    this.hasBody = false;
    this.addressLineCount = 0;
    this.#inFields = false;
    this.#spaces = 0;
    this.#mark = -1;
    this.#hosts = 0;
    this.#contentLengths = 0;
    this.#close = false;
    this.#keepAliveAsked = false;
  }

  /**
   * Reads on up to `end`. After `Incomplete`, call again with the same bytes and more; the public fields
   * mean something only after `Complete`.
   */
  read(bytes: Uint8Array, end: number): HeadStatus {
    const limit = Math.min(end, this.#start + MAX_HEAD);
    let line = this.#line;
    let i = this.#scanned;
    for (;;) {
      if (this.#inFields) while (i < limit && MEANING[bytes[i] as number] !== CONTROL) i++;
      else i = this.#scanRequestLine(bytes, i, limit);
      if (i + 1 >= limit) {
        // A byte that can only be wrong is not waited for: TLS on a plain port is refused at once.
        if (i < limit && bytes[i] !== CR) return HeadStatus.Malformed;
        this.#line = line;
        this.#scanned = i;
        return end - this.#start >= MAX_HEAD ? HeadStatus.TooLarge : HeadStatus.Incomplete;
      }
      if (bytes[i] !== CR || bytes[i + 1] !== LF) return HeadStatus.Malformed;
      if (!this.#inFields) {
        // Empty lines before a request are skipped (RFC 9112 section 2.2): old clients send one after a body.
        if (i > line) {
          if (!this.#requestLine(bytes, line, i)) return HeadStatus.Malformed;
          this.#inFields = true;
          this.fieldsStart = i + 2;
        }
      } else if (i === line) {
        this.end = i + 2;
        return this.#complete() ? HeadStatus.Complete : HeadStatus.Malformed;
      } else if (!this.#field(bytes, line, i)) {
        return HeadStatus.Malformed;
      }
      i += 2;
      line = i;
    }
  }

  /** The bytes read so far now stand `by` further on (or, negative, back), in whatever buffer. */
  shift(by: number): void {
    this.#start += by;
    this.#line += by;
    this.#scanned += by;
    if (this.#mark >= 0) this.#mark += by;
    this.pathStart += by;
    this.pathEnd += by;
    this.queryStart += by;
    this.queryEnd += by;
    this.fieldsStart += by;
    for (let i = 0; i < 2 * this.addressLineCount; i++) {
      this.addressLines[i] = (this.addressLines[i] as number) + by;
    }
  }

  /** The checks that need all fields. */
  #complete(): boolean {
    if (this.#hosts > 1 || (this.#hosts === 0 && this.minorVersion === 1)) return false;
    this.keepAlive = !this.#close && (this.minorVersion === 1 || this.#keepAliveAsked);
    return true;
  }

  /** Looks at a request line up to its end, a byte that may not stand in it, or `limit`. */
  #scanRequestLine(bytes: Uint8Array, start: number, limit: number): number {
    let i = start;
    for (; i < limit; i++) {
      const meaning = MEANING[bytes[i] as number];
      if (meaning === PLAIN) continue;
      if (meaning === CONTROL) break;
      if (meaning === SPACE) this.#spaces++;
      else if (this.#mark < 0) this.#mark = i;
    }
    return i;
  }

  #requestLine(bytes: Uint8Array, start: number, end: number): boolean {
    let methodEnd = start;
    while (methodEnd < end && TOKEN[bytes[methodEnd] as number] !== 0) methodEnd++;
    const targetStart = methodEnd + 1;
    const targetEnd = end - VERSION.length - 2;
    if (this.#spaces !== 2 || methodEnd === start || bytes[methodEnd] !== SP || targetEnd <= targetStart) {
      return false;
    }
    if (bytes[targetEnd] !== SP || !same(bytes, targetEnd + 1, end - 1, VERSION)) return false;
    const minor = (bytes[end - 1] as number) - 0x30;
    if (minor < 0 || minor > 9) return false;
    this.minorVersion = minor === 0 ? 0 : 1;
    this.method = same(bytes, start, methodEnd, GET)
      ? Method.Get
      : same(bytes, start, methodEnd, HEAD)
        ? Method.Head
        : Method.Other;
    return this.#target(bytes, targetStart, targetEnd);
  }

  /** Origin form, or absolute form whose authority is left out; other forms belong to methods refused anyway. */
  #target(bytes: Uint8Array, start: number, end: number): boolean {
    let pathStart = start;
    if (bytes[start] !== SLASH) {
      pathStart = afterAuthority(bytes, start, end);
      if (pathStart < 0 && this.method !== Method.Other) return false;
    }
    const mark = this.#mark;
    this.pathStart = Math.max(pathStart, start);
    this.pathEnd = mark < 0 ? end : mark;
    this.queryStart = mark < 0 ? end : mark + 1;
    this.queryEnd = end;
    return true;
  }

  #field(bytes: Uint8Array, start: number, end: number): boolean {
    let colon = start;
    while (colon < end && TOKEN[bytes[colon] as number] !== 0) colon++;
    if (colon === start || colon === end || bytes[colon] !== COLON) return false;
    let valueStart = colon + 1;
    while (valueStart < end && isSpace(bytes[valueStart])) valueStart++;
    let valueEnd = end;
    while (valueEnd > valueStart && isSpace(bytes[valueEnd - 1])) valueEnd--;

    if (this.#addressField && sameToken(bytes, start, colon, this.#addressField)) {
      if (this.addressLineCount === MAX_ADDRESS_LINES) return false;
      this.addressLines[2 * this.addressLineCount] = valueStart;
      this.addressLines[2 * this.addressLineCount + 1] = valueEnd;
      this.addressLineCount++;
    }
    if (sameToken(bytes, start, colon, HOST)) {
      this.#hosts++;
    } else if (sameToken(bytes, start, colon, CONNECTION)) {
      this.#connection(bytes, valueStart, valueEnd);
    } else if (sameToken(bytes, start, colon, CONTENT_LENGTH)) {
      if (++this.#contentLengths > 1) return false;
      if (valueEnd - valueStart !== 1 || bytes[valueStart] !== 0x30) this.hasBody = true;
    } else if (sameToken(bytes, start, colon, TRANSFER_ENCODING)) {
      this.hasBody = true;
    }
    return true;
  }

  #connection(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      while (at < end && (isSpace(bytes[at]) || bytes[at] === COMMA)) at++;
      let stop = at;
      while (stop < end && TOKEN[bytes[stop] as number] !== 0) stop++;
      if (sameToken(bytes, at, stop, CLOSE)) this.#close = true;
      else if (sameToken(bytes, at, stop, KEEP_ALIVE)) this.#keepAliveAsked = true;
      while (stop < end && bytes[stop] !== COMMA) stop++;
      at = stop;
    }
  }
}

/** Where the path of an absolute target (`http://host/path`) begins; -1 if it is none. */
function afterAuthority(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && TOKEN[bytes[at] as number] !== 0) at++;
  const scheme = latin1(bytes, start, at).toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return -1;
  if (bytes[at] !== COLON || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH) return -1;
  at += 3;
  const authority = at;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION_MARK) at++;
  return at > authority && at <= end ? at : -1;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SP || byte === HT;
}

/** Whether `bytes[start, end)` is `text`, case included. */
function same(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}

/** Whether `bytes[start, end)` is the lower-case token `text`, case apart. */
function sameToken(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (TOKEN[bytes[start + i] as number] !== text[i]) return false;
  return true;
}
