/**
 * A worker as the supervisor sees it. When the thread is gone, what Node has opened for it has gone with it; descriptors
 * that Node knows nothing of are closed here.
 */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { BoundAddress } from '../frontend/frontend.ts';
import type { DescriptorRecord } from '../pkg/descriptors.ts';
import type { Libc } from '../pkg/libc.ts';
import type { Logger } from '../pkg/logger.ts';
import { closeRecord, openRecord, wakeThread } from './descriptor-record.ts';
import type { LoadingWorker } from './loading-worker.ts';
import type { MetricReport } from './metric-report.ts';
import { writeLine } from './posted-log.ts';
import { receiveOutcome } from './profiles/outcome.ts';
import type { Outcome, ProfileOrder } from './profiles/profile-source.ts';
import { receiveError } from './sent-error.ts';
import type { Admission, FromWorker, ToWorker, WorkerConfig, WorkerStart } from './worker-messages.ts';

export interface WorkerDependencies {
  readonly logger: Logger;
  readonly libc: Libc;
  /** Lets a worker of that configuration into the store that it has joined. */
  readonly admit: (config: number) => Admission;
  /** Takes what a hook in the worker asks the source of what it shares. */
  readonly ask: (config: number, hook: number, message: unknown) => void;
}

/** What the supervisor waits for during a reload; what is retired is the configuration of that number. */
type Step = 'prepared' | 'committed' | `retired ${number}`;

export class WorkerThread {
  /** From 1. */
  readonly number: number;
  readonly startedAt = performance.now();
  /** Resolves when it serves; rejects if it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when nothing is left of it, with the reason unless it was told to stop. */
  readonly ended: Promise<Error | undefined>;
  /** The number of the configuration that it has, or that it has been told to go over to. */
  config: number;
  /** What it serves. */
  addresses: readonly BoundAddress[] = [];
  /** What it had last counted. */
  reports: readonly MetricReport[] = [];
  /** Whether it has begun to serve, and its thread still runs. */
  alive = false;
  readonly #worker: LoadingWorker;
  readonly #descriptors: DescriptorRecord;
  readonly #dependencies: WorkerDependencies;
  readonly #logger: Logger;
  readonly #measurements = new Map<number, () => void>();
  /** What it has been asked and has not answered. Its end is told to these: `ended` would remember whoever ever asked. */
  readonly #steps = new Map<Step, { resolve: () => void; reject: (reason: Error) => void }>();
  readonly #profiles = new Set<MessagePort>();
  #over = false;
  #requests = 0;
  #admitted = false;
  #stopping = false;
  #onReady: () => void = () => {};

  constructor(
    worker: LoadingWorker,
    start: Omit<WorkerStart, 'descriptors'>,
    dependencies: WorkerDependencies,
  ) {
    this.number = start.number;
    this.config = start.config.number;
    this.#dependencies = dependencies;
    this.#logger = dependencies.logger.child({ worker: start.number });
    this.#worker = worker;
    this.#descriptors = openRecord(dependencies.libc);
    worker.thread.on('message', (message: FromWorker) => this.#receive(message));
    worker.begin({ ...start, descriptors: this.#descriptors });
    this.ended = worker.exited.then((code) => this.#end(code));
    this.ready = Promise.race([
      new Promise<void>((resolve) => {
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

  /** Has it profile itself. Resolves whatever becomes of it. @param signal ends it early */
  async profile(order: ProfileOrder, signal: AbortSignal): Promise<Outcome> {
    if (this.#over) return { missing: 'it ended' };
    const { port1, port2 } = new MessageChannel();
    this.#worker.thread.postMessage({ kind: 'profile', order, port: port2 } satisfies ToWorker, [port2]);
    this.#profiles.add(port1);
    const outcome = await receiveOutcome(port1, order, signal);
    this.#profiles.delete(port1);
    return outcome;
  }

  /** Gives a hook another value of what it shares. A worker that has yet to be admitted gets it then. */
  publish(message: Extract<ToWorker, { kind: 'publish' }>): void {
    if (this.#admitted) this.#post(message);
  }

  /** Resolves when it is ready to go over to another configuration. Rejects if it cannot be, or ends before. */
  prepare(config: WorkerConfig, shared: readonly unknown[]): Promise<void> {
    const prepared = this.#step('prepared');
    this.#post({ kind: 'prepare', config, shared } satisfies ToWorker);
    return prepared;
  }

  /**
   * Has it go over to the configuration that it is ready for.
   *
   * @returns when it has, and when nothing is left of what it had before; both reject if it ends before
   */
  commit(config: number): { readonly committed: Promise<void>; readonly retired: Promise<void> } {
    const steps = { committed: this.#step('committed'), retired: this.#step(`retired ${this.config}`) };
    this.config = config;
    this.#post({ kind: 'commit', config } satisfies ToWorker);
    return steps;
  }

  /** Has it go on with the configuration that it has, whether or not it is ready for the other one. */
  abandon(config: number): void {
    this.#post({ kind: 'abandon', config } satisfies ToWorker);
  }

  /** Has it answer what is under way, for which it has `timeout` milliseconds, and end. */
  stop(timeout: number): void {
    this.#post({ kind: 'stop', timeout } satisfies ToWorker);
  }

  /** Ends it on the spot, whatever it is doing. */
  terminate(reason?: Error): void {
    this.#worker.failure ??= reason;
    this.alive = false;
    void this.#worker.thread.terminate();
    this.wake();
  }

  /** Ends what keeps its thread from ending. */
  wake(): void {
    if (!this.#over) wakeThread(this.#descriptors, this.#dependencies.libc);
  }

  #step(step: Step): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.#steps.set(step, { resolve, reject });
    });
    if (this.#over) this.#rejectSteps();
    // Whoever waits for it is told; nobody has to wait.
    promise.catch(() => {});
    return promise;
  }

  #rejectSteps(): void {
    for (const { reject } of this.#steps.values()) reject(new Error('the worker has ended'));
    this.#steps.clear();
  }

  #done(step: Step): void {
    this.#steps.get(step)?.resolve();
    this.#steps.delete(step);
  }

  #post(message: ToWorker): void {
    this.#worker.thread.postMessage(message);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'joined':
        this.#admitted = true;
        this.#post({ kind: 'admit', admission: this.#dependencies.admit(this.config) } satisfies ToWorker);
        break;
      case 'ready':
        this.alive = true;
        this.addresses = message.addresses;
        this.#onReady();
        break;
      case 'failed':
        this.#worker.failure = receiveError(message.error);
        break;
      case 'ask':
        this.#dependencies.ask(message.config, message.hook, message.message);
        break;
      case 'log':
        writeLine(message.line, this.#logger);
        break;
      case 'measured':
        this.reports = message.reports;
        if (message.request !== undefined) this.#measurements.get(message.request)?.();
        break;
      case 'prepared':
        this.#done('prepared');
        break;
      case 'refused':
        this.#steps.get('prepared')?.reject(receiveError(message.error));
        break;
      case 'committed':
        this.addresses = message.addresses;
        this.#done('committed');
        break;
      case 'retired':
        this.#done(`retired ${message.config}`);
        break;
      case 'stopping':
        this.#stopping = true;
        break;
      default:
        message satisfies never;
    }
  }

  #end(code: number): Error | undefined {
    this.alive = false;
    this.#over = true;
    closeRecord(this.#descriptors, this.#dependencies.libc);
    for (const resolve of this.#measurements.values()) resolve();
    this.#rejectSteps();
    for (const port of this.#profiles) port.close();
    if (this.#stopping && code === 0) return undefined;
    return this.#worker.failure ?? new Error(`it ended by itself, with code ${code}`);
  }
}
