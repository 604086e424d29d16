/**
 * A worker's thread before it is told what it is to serve. Loading its modules takes most of the time that a start takes,
 * and needs nothing to be known: the first worker of a tracker does it while the main thread loads its own and reads the
 * configuration.
 */

import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, SHARE_ENV, Worker } from 'node:worker_threads';
import type { WorkerBeginning, WorkerStart } from './worker-messages.ts';

export class LoadingWorker {
  readonly thread: Worker;
  /** Resolves with the exit code when the thread has ended. */
  readonly exited: Promise<number>;
  /** What ended it. */
  failure: Error | undefined;
  readonly #start: MessagePort;

  /** The first worker, where there will be several unless the configuration wants it otherwise. */
  static first(): LoadingWorker | undefined {
    return process.platform === 'linux' && availableParallelism() > 1 ? new LoadingWorker(1) : undefined;
  }

  /** @param number from 1 */
  constructor(number: number) {
    const { port1, port2 } = new MessageChannel();
    this.#start = port1;
    this.thread = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { number, start: port2 } satisfies WorkerBeginning,
      transferList: [port2],
      // One for the process: a copy would keep what is taken out of it after this.
      env: SHARE_ENV,
      name: `worker ${number}`,
    });
    this.thread.on('error', (error) => {
      this.failure ??= error instanceof Error ? error : new Error(`something was thrown: ${String(error)}`);
    });
    this.exited = new Promise((resolve) => this.thread.once('exit', resolve));
  }

  begin(start: WorkerStart): void {
    this.#start.postMessage(start);
    this.#start.close();
  }
}
