/**
 * A worker as the supervisor sees it. When the thread is gone, its TCP sockets have gone with it; descriptors
 * that Node knows nothing of are closed here.
 */

import { Worker } from 'node:worker_threads';
import type { BoundAddress, Descriptors } from '../frontend/frontend.ts';
import type { Libc } from '../pkg/libc.ts';
import type { Logger } from '../pkg/logger.ts';
import type { MetricReport } from './metric-report.ts';
import { writeLine } from './posted-log.ts';
import { receiveError } from './sent-error.ts';
import type { Admission, FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';

export interface WorkerDependencies {
  readonly logger: Logger;
  readonly libc: Libc;
  /** Lets the worker into the store that it has joined. */
  readonly admit: () => Admission;
  /** Takes what a hook in the worker asks the source of what it shares. */
  readonly ask: (hook: number, message: unknown) => void;
}

export class WorkerThread {
  /** From 1. */
  readonly number: number;
  readonly startedAt = performance.now();
  /** Resolves to what it serves; rejects if it ends before. */
  readonly ready: Promise<readonly BoundAddress[]>;
  /** Resolves when nothing is left of it, with the reason unless it was told to stop. */
  readonly ended: Promise<Error | undefined>;
  /** What it had last counted. */
  reports: readonly MetricReport[] = [];
  /** Whether it has begun to serve, and its thread still runs. */
  alive = false;
  readonly #worker: Worker;
  readonly #dependencies: WorkerDependencies;
  readonly #logger: Logger;
  readonly #measurements = new Map<number, () => void>();
  #requests = 0;
  #descriptors: readonly Descriptors[] = [];
  #admitted = false;
  #stopping = false;
  #failure: Error | undefined;
  #onReady: (addresses: readonly BoundAddress[]) => void = () => {};

  constructor(start: WorkerStart, dependencies: WorkerDependencies) {
    this.number = start.number;
    this.#dependencies = dependencies;
    this.#logger = dependencies.logger.child({ worker: start.number });
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: start,
      name: `worker ${start.number}`,
    });
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => {
      this.#failure ??= error instanceof Error ? error : new Error(`something was thrown: ${String(error)}`);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => resolve(this.#end(code)));
    });
    this.ready = Promise.race([
      new Promise<readonly BoundAddress[]>((resolve) => {
        this.#onReady = resolve;
      }),
      this.ended.then((reason) => Promise.reject(reason ?? new Error('it was told to stop'))),
    ]);
    // Whoever waits for it is told; nobody has to wait.
    this.ready.catch(() => {});
  }

  /** Whether it takes requests. */
  get serving(): boolean {
    return this.alive && !this.#stopping;
  }

  /** Has `reports` brought up to date. Resolves after `timeout` milliseconds in any case. */
  async measure(timeout: number): Promise<void> {
    if (!this.alive) return;
    const request = this.#requests++;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout);
      this.#measurements.set(request, resolve);
      this.#post({ kind: 'measure', request } satisfies ToWorker);
    });
    clearTimeout(timer);
    this.#measurements.delete(request);
  }

  /** Gives the hook of that number another value of what it shares. One that has yet to be admitted gets it then. */
  publish(hook: number, value: unknown): void {
    if (this.#admitted) this.#post({ kind: 'publish', hook, value } satisfies ToWorker);
  }

  /** Has it answer what is under way and end. */
  stop(): void {
    this.#post({ kind: 'stop' } satisfies ToWorker);
  }

  /** Ends it on the spot, whatever it is doing. */
  terminate(): void {
    void this.#worker.terminate();
    this.wake();
  }

  /** Ends what keeps its thread from ending. */
  wake(): void {
    for (const { wake } of this.#descriptors) {
      this.#dependencies.libc.write(wake, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
    }
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'joined':
        this.#admitted = true;
        this.#post({ kind: 'admit', admission: this.#dependencies.admit() } satisfies ToWorker);
        break;
      case 'ready':
        this.alive = true;
        this.#descriptors = message.descriptors;
        this.#onReady(message.addresses);
        break;
      case 'failed':
        this.#failure = receiveError(message.error);
        break;
      case 'ask':
        this.#dependencies.ask(message.hook, message.message);
        break;
      case 'log':
        writeLine(message.line, this.#logger);
        break;
      case 'measured':
        this.reports = message.reports;
        if (message.request !== undefined) this.#measurements.get(message.request)?.();
        break;
      case 'stopping':
        this.#stopping = true;
        this.#descriptors = [];
        break;
      default:
        message satisfies never;
    }
  }

  #end(code: number): Error | undefined {
    this.alive = false;
    for (const { open } of this.#descriptors) for (const fd of open) this.#dependencies.libc.close(fd);
    this.#descriptors = [];
    for (const resolve of this.#measurements.values()) resolve();
    if (this.#stopping && code === 0) return undefined;
    return this.#failure ?? new Error(`it ended by itself, with code ${code}`);
  }
}
