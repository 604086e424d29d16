/**
 * The life of one connection, plain or TLS.
 *
 *     reading ──complete head──► answered ──────────────► reading, or closed
 *        │                          └─hook returned a promise─► waiting ─► reading, or closed
 *        │                          └─client does not read────► blocked ─► reading
 *        └─not HTTP, or too long──► closing (answer sent, the rest read and thrown away)
 *
 * While a request waits, or the client does not take its answers, nothing further of the connection is
 * read: what is held for it is bounded, and answers leave in the order of the requests.
 *
 * A connection has no timer. It keeps the time at which it is to be cut off, and the frontend looks at
 * all of them every tick: 10,000 idle connections cost one loop over numbers.
 */

import type { Exchange } from './exchange.ts';
import { HeadStatus, Method, type RequestHead } from './head-parser.ts';
import type { Listener } from './listener.ts';
import type { SchemeCounters, Timeout } from './metrics.ts';
import { type ErrorStatus, type Output, Persistence } from './output.ts';
import type { RequestHandler } from './request-handler.ts';
import type { Service } from './service.ts';
import type { ByteStream, StreamReader } from './socket/socket.ts';

/** What the connections of a frontend share. */
export interface ConnectionHost {
  /** The one in force. */
  readonly service: Service;
  readonly output: Output;
  /** Milliseconds, in whole ticks, that have been served. */
  readonly now: number;
  /** Whether every answer from now on is its connection's last. */
  readonly stopping: boolean;
  closed(connection: Connection, timeout: Timeout | undefined): void;
}

const State = { Reading: 0, Waiting: 1, Blocked: 2, Closing: 3, Closed: 4 } as const;
type State = (typeof State)[keyof typeof State];

const NEVER = Number.MAX_SAFE_INTEGER;
const FIRST_INPUT = 1024;

export class Connection implements StreamReader {
  readonly #stream: ByteStream;
  readonly #listener: Listener;
  readonly #host: ConnectionHost;
  readonly #remote: Uint8Array;
  #state: State = State.Reading;
  /** Bytes not served yet, those up to `#inputEnd`, and the head they begin with if it is incomplete. */
  #input: Buffer | undefined;
  #inputEnd = 0;
  #head: RequestHead | undefined;
  /** Whether the client has ended its side. */
  #ended = false;
  /** Whether a head may have begun: what runs out is the read timeout, not the idle one. */
  #awaitsHead = true;
  #deadline: number;
  #writeDeadline = NEVER;
  #timeout: Timeout | undefined;

  /**
   * @param remote the other end's address, 4 or 16 bytes, unmapped
   * @param deadline of the first request
   */
  constructor(
    stream: ByteStream,
    remote: Uint8Array,
    listener: Listener,
    host: ConnectionHost,
    deadline = host.now + host.service.readTime,
  ) {
    this.#stream = stream;
    this.#remote = remote;
    this.#listener = listener;
    this.#host = host;
    this.#deadline = deadline;
  }

  get counters(): SchemeCounters {
    return this.#listener.counters;
  }

  /** Cuts the connection off if its time is up. */
  sweep(now: number): void {
    if (now >= this.#writeDeadline) {
      if (this.#stream.pending > 0) this.#cut('write');
      else this.#writeDeadline = NEVER;
    }
    if (now < this.#deadline) return;
    if (this.#state === State.Closing) this.#cut(this.#stream.pending > 0 ? 'write' : undefined);
    else this.#cut(this.#awaitsHead ? 'read' : 'idle');
  }

  /** Closes at once if nothing is under way; otherwise the next answer is the last. */
  stop(): void {
    if (this.#state === State.Reading && this.#head === undefined) this.#close(false);
  }

  /** Closes at once, whatever is under way. */
  cut(): void {
    this.#cut(undefined);
  }

  received(bytes: Buffer, end: number): void {
    this.counters.receivedBytes += end;
    if (this.#state === State.Closing) return;
    if (this.#input === undefined && this.#state === State.Reading) {
      this.#serve(bytes, end, false);
      return;
    }
    const input = this.#append(bytes, end);
    if (this.#state === State.Reading) this.#serve(input, this.#inputEnd, true);
  }

  drained(): void {
    this.#writeDeadline = NEVER;
    if (this.#state !== State.Blocked) return;
    this.#state = State.Reading;
    this.#extend();
    this.#resume();
  }

  ended(): void {
    this.#ended = true;
    if (this.#state === State.Reading) this.#close(false);
  }

  closed(): void {
    this.#state = State.Closed;
    this.#input = undefined;
    this.#head = undefined;
    this.#host.closed(this, this.#timeout);
  }

  /**
   * Serves the requests in `bytes[0, end)`, keeps what is left and sends the answers.
   *
   * @param own whether the memory is this connection's
   */
  #serve(bytes: Buffer, end: number, own: boolean): void {
    const { service } = this.#host;
    let at = 0;
    while (at < end && this.#state === State.Reading) {
      let head = this.#head;
      if (head === undefined) {
        head = service.head;
        head.reset(at);
      }
      const status = head.read(bytes, end);
      if (status === HeadStatus.Incomplete) {
        this.#keepHead(head, at);
        break;
      }
      this.#head = undefined;
      if (status !== HeadStatus.Complete) {
        this.#refuse(status === HeadStatus.TooLarge ? 431 : 400);
        return;
      }
      at = head.end;
      this.#request(bytes, head, at === end);
    }
    if (this.#state === State.Closed || this.#state === State.Closing) return;
    this.#keepInput(bytes, at, end, own);
    this.#flush();
  }

  /** @param last whether nothing has come behind it yet */
  #request(bytes: Buffer, head: RequestHead, last: boolean): void {
    const { routes, handler } = this.#host.service;
    if (head.method === Method.Other) {
      this.#answerStatus(405, head, last);
      return;
    }
    // A body is never read: taking what follows for a request would let one be smuggled in.
    if (head.hasBody) {
      this.#refuse(400);
      return;
    }
    const action = routes.match(bytes, head.pathStart, head.pathEnd);
    if (action === undefined) {
      if (routes.badEscape) this.#refuse(400);
      else this.#answerStatus(404, head, last);
      return;
    }

    const exchange = handler.exchanges.take();
    const promise = handler.start(exchange, action, routes.params, bytes, head, this.#remote);
    if (promise === undefined) {
      this.#answer(exchange, handler, last);
      return;
    }
    this.#state = State.Waiting;
    this.#deadline = NEVER;
    this.#stream.pause();
    promise.then(() => this.#settled(exchange, handler));
  }

  /** The logic's promise has settled. */
  #settled(exchange: Exchange, handler: RequestHandler): void {
    if (this.#state === State.Closed) {
      // The client is gone. Its announce counts all the same, as if it had left a moment later.
      handler.finish(exchange);
    } else {
      this.#state = State.Reading;
      this.#answer(exchange, handler, this.#input === undefined);
      this.#resume();
    }
  }

  /** Serves what has come meanwhile, then reads on. */
  #resume(): void {
    const input = this.#input;
    if (input !== undefined && this.#state === State.Reading && this.#head === undefined) {
      this.#input = undefined;
      this.#serve(input, this.#inputEnd, true);
    }
    if (this.#state === State.Reading && (this.#ended || this.#host.stopping) && this.#head === undefined) {
      this.#close(false);
    }
    if (this.#state === State.Reading || this.#state === State.Closing) this.#stream.resume();
  }

  #answer(exchange: Exchange, handler: RequestHandler, last: boolean): void {
    const { output } = this.#host;
    const persistence = this.#persistence(exchange.keepAlive, exchange.minorVersion, last);
    if (output.at > 0 && !output.fits(handler.room(exchange))) this.#flush();
    handler.write(exchange, output, persistence);
    // Answers to pipelined requests leave together, with the last of them.
    if (last || persistence === Persistence.Close) this.#flush();
    handler.finish(exchange);
    this.#answered(persistence, last);
  }

  #answerStatus(status: ErrorStatus, head: RequestHead, last: boolean): void {
    const { output } = this.#host;
    const asked = head.keepAlive && !head.hasBody;
    const persistence = this.#persistence(asked, head.minorVersion, last);
    if (!output.fits(0)) this.#flush();
    output.writeStatus(status, persistence, head.method === Method.Head);
    this.#answered(persistence, last && !head.hasBody);
  }

  /** @param last whether the client has sent nothing behind the request */
  #answered(persistence: Persistence, last: boolean): void {
    this.counters.requests++;
    if (persistence === Persistence.Close) {
      this.#close(!last);
      return;
    }
    this.#awaitsHead = false;
    if (this.#state === State.Reading) this.#extend();
  }

  /** The time begins anew that the client has for what is awaited of it. */
  #extend(): void {
    const { now, service } = this.#host;
    this.#deadline = now + (this.#awaitsHead ? service.readTime : service.idleTime);
  }

  /** What cannot be served ends the connection: where the next request would begin is not known. */
  #refuse(status: ErrorStatus): void {
    this.counters.requests++;
    this.#host.output.writeStatus(status, Persistence.Close, false);
    this.#close(true);
  }

  #persistence(asked: boolean, minorVersion: 0 | 1, last: boolean): Persistence {
    const { service, stopping } = this.#host;
    if (!asked || !service.keepAlive || stopping || this.#listener.closing || (this.#ended && last))
      return Persistence.Close;
    return minorVersion === 1 ? Persistence.Implied : Persistence.KeepAlive;
  }

  /** Sends what waits in the output. */
  #flush(): void {
    const stream = this.#stream;
    const { output, now, service } = this.#host;
    if (output.at === 0) return;
    this.counters.sentBytes += output.at;
    stream.send(output);
    if (stream.pending === 0) return;
    if (this.#writeDeadline === NEVER) this.#writeDeadline = now + service.writeTime;
    if (stream.full && this.#state === State.Reading) {
      this.#state = State.Blocked;
      this.#deadline = NEVER;
      stream.pause();
    }
  }

  /**
   * Sends what waits, then closes.
   *
   * @param linger whether more may be coming from the client: closing with bytes unread would reset the
   *   connection, and the client would lose the answer (RFC 9112 section 9.6)
   */
  #close(linger: boolean): void {
    const stream = this.#stream;
    this.#flush();
    // What was sent may have told that the client is gone.
    if (this.#state === State.Closed) return;
    this.#input = undefined;
    this.#head = undefined;
    if (this.#state === State.Blocked) stream.resume();
    this.#state = State.Closing;
    this.#deadline = this.#host.now + this.#host.service.writeTime;
    this.#writeDeadline = NEVER;
    if (linger) stream.end();
    else stream.close();
  }

  #cut(timeout: Timeout | undefined): void {
    this.#timeout = timeout;
    this.#state = State.Closed;
    this.#deadline = NEVER;
    this.#writeDeadline = NEVER;
    this.#stream.destroy();
  }

  /** A head is incomplete: it stays with the connection, and its time runs. */
  #keepHead(head: RequestHead, at: number): void {
    const { service } = this.#host;
    if (this.#head === undefined) {
      this.#head = head;
      service.head = service.newHead();
    }
    head.shift(-at);
    if (this.#awaitsHead) return;
    this.#awaitsHead = true;
    this.#extend();
  }

  #keepInput(bytes: Buffer, at: number, end: number, own: boolean): void {
    const left = end - at;
    this.#inputEnd = left;
    if (left === 0) this.#input = undefined;
    // Nor must a few bytes keep the large buffer alive that they came in.
    else if (!own || bytes.length > 2 * (left + FIRST_INPUT))
      this.#input = Buffer.from(bytes.subarray(at, end));
    else this.#input = at === 0 ? bytes : bytes.subarray(at);
  }

  #append(bytes: Buffer, count: number): Buffer {
    const end = this.#inputEnd + count;
    let input = this.#input;
    if (input === undefined || input.length < end) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * end, FIRST_INPUT));
      if (input !== undefined) grown.set(input.subarray(0, this.#inputEnd));
      input = grown;
    }
    input.set(count === bytes.length ? bytes : bytes.subarray(0, count), this.#inputEnd);
    this.#input = input;
    this.#inputEnd = end;
    return input;
  }
}
