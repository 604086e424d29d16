/**
 * Requests to Redis, each with an end: it is answered, or fails no later than its timeout, or at once if Redis is out
 * of reach or too many requests wait already. Nothing is ever tried again for a request but a script that Redis has
 * not been told yet.
 *
 * What fails, fails with an error of ours. The library's own errors carry the command, and so a password may be in them.
 */

import type { Logger } from '../../pkg/logger.ts';
import { within } from '../../pkg/within.ts';
import { type Argument, Connection, type Sent } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import type { Operation, RedisMetrics } from './metrics.ts';
import { late, lost, MOST_WAITING, overload, RedisError, unreachable } from './redis-error.ts';
import type { Script } from './script.ts';

export interface ClientOptions {
  readonly endpoint: Endpoint;
  /** Milliseconds. */
  readonly readTimeout: number;
  readonly writeTimeout: number;
}

/** Milliseconds between two looks at who has waited too long. */
const LONGEST_PERIOD = 200;

/** How long the start waits for a connection (milliseconds). Without one it goes on. */
const PATIENCE_AT_START = 2000;

interface Waiting {
  readonly sent: Sent;
  readonly deadline: number;
}

/** Those with the same timeout: the first has the earliest deadline. */
type Queue = Set<Waiting>;

export class RedisClient {
  readonly #connection: Connection;
  readonly #options: ClientOptions;
  readonly #metrics: RedisMetrics;
  readonly #logger: Logger;
  readonly #reads: Queue = new Set();
  readonly #writes: Queue = new Set();
  readonly #period: number;
  readonly #timer: NodeJS.Timeout;
  #reachable: boolean | undefined;
  #onFirst: () => void = () => {};
  #closed = false;

  /** Resolves when Redis can be used, or cannot for now: then that is logged. */
  static async open(options: ClientOptions, metrics: RedisMetrics, logger: Logger): Promise<RedisClient> {
    const client = new RedisClient(options, metrics, logger);
    const first = new Promise<void>((resolve) => {
      client.#onFirst = resolve;
    });
    await within(PATIENCE_AT_START, first);
    if (client.#reachable === undefined) client.#unreached(undefined);
    return client;
  }

  private constructor(options: ClientOptions, metrics: RedisMetrics, logger: Logger) {
    this.#options = options;
    this.#metrics = metrics;
    this.#logger = logger;
    const shortest = Math.min(options.readTimeout, options.writeTimeout);
    this.#period = Math.max(1, Math.min(LONGEST_PERIOD, shortest / 4));
    this.#timer = setInterval(() => this.#sweep(), this.#period).unref();
    this.#connection = new Connection(options.endpoint, {
      ready: () => this.#reached(),
      lost: (reason) => this.#unreached(reason),
    });
  }

  get ready(): boolean {
    return this.#connection.ready;
  }

  /** Runs a script in one step. In a cluster all keys have one hash tag. */
  async run(
    operation: Operation,
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const tail = [keys.length, ...keys, ...args];
    try {
      return await this.command(operation, 'evalsha', [script.sha, ...tail]);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return this.command(operation, 'eval', [script.text, ...tail]);
    }
  }

  async command(operation: Operation, name: string, args: Argument[]): Promise<unknown> {
    if (!this.#connection.ready) throw this.#fail(unreachable);
    if (this.#reads.size + this.#writes.size >= MOST_WAITING) throw this.#fail(overload);
    const start = performance.now();
    const sent = this.#connection.send(name, args);
    const [queue, timeout] =
      operation === 'store'
        ? [this.#writes, this.#options.writeTimeout]
        : [this.#reads, this.#options.readTimeout];
    const waiting: Waiting = { sent, deadline: start + timeout };
    queue.add(waiting);
    try {
      const reply = await sent.promise;
      this.#metrics.answered(operation, performance.now() - start);
      return reply;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      queue.delete(waiting);
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#connection.close();
  }

  /** What the caller is told, and what is counted. */
  #fail(error: unknown): RedisError {
    const told = error instanceof RedisError ? error : translate(error as Error);
    // A script that Redis does not know yet is no failure.
    if (!told.message.startsWith('NOSCRIPT')) this.#metrics.failed(told.fault);
    return told;
  }

  #sweep(): void {
    // Those whose time is up before the next look: a timeout is a promise.
    const limit = performance.now() + this.#period;
    let expired = false;
    for (const queue of [this.#reads, this.#writes]) {
      for (const waiting of queue) {
        if (waiting.deadline > limit) break;
        queue.delete(waiting);
        waiting.sent.reject(late);
        expired = true;
      }
    }
    // What does not answer one request in all that time is not going to answer the next.
    if (expired) this.#connection.renew();
  }

  #reached(): void {
    if (this.#reachable === false) {
      this.#metrics.reconnects++;
      this.#logger.info('Redis can be used again');
    }
    this.#reachable = true;
    this.#onFirst();
  }

  #unreached(reason: string | undefined): void {
    if (this.#closed) return;
    if (this.#reachable !== false) {
      this.#logger.error(
        { reason: reason ?? 'it does not answer' },
        'Redis cannot be used; announces fail until it is back, which is tried all the time',
      );
    }
    this.#reachable = false;
    this.#onFirst();
  }
}

function translate(error: Error): RedisError {
  // Redis begins its errors with a word such as ERR or OOM.
  return /^[A-Z]{2,} /.test(error.message) ? new RedisError('reply', error.message) : lost;
}
