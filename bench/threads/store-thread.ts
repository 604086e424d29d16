/** A thread that has a store in common with others, as the main thread sees it and, when it is the entry of one, as it is. */

import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/pkg/clock.ts';
import type { StorageHost } from '../../src/storage/driver.ts';
import { memoryDriver } from '../../src/storage/memory/driver.ts';
import { announceFor } from './workload.ts';

interface Invitation {
  readonly invitation: unknown;
  readonly thread: number;
}

type Order = { readonly admission: unknown } | { readonly milliseconds: number };

export class StoreThread {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Resolves when it has the store. */
  static async start(host: StorageHost, thread: number): Promise<StoreThread> {
    const invited: Invitation = { invitation: host.invitation, thread };
    const worker = new Worker(new URL(import.meta.url), { workerData: invited });
    await once(worker, 'message');
    worker.postMessage({ admission: host.admit() } satisfies Order);
    await once(worker, 'message');
    return new StoreThread(worker);
  }

  /** Has it announce for so long. Resolves to how often it did. */
  async run(milliseconds: number): Promise<number> {
    this.#worker.postMessage({ milliseconds } satisfies Order);
    const [count] = (await once(this.#worker, 'message')) as [number];
    return count;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const { invitation, thread } = workerData as Invitation;
  const guest = memoryDriver.join?.(invitation);
  port.postMessage('joined');
  const [{ admission }] = (await once(port, 'message')) as [{ admission: unknown }];
  const store = guest?.open(admission, thread, { clock: systemClock });
  if (!store) throw new Error('the memory store cannot be shared');
  // Its first announces are slow: they are nobody's measurement.
  announceFor(1000, store, 100 + thread);
  port.on('message', ({ milliseconds }: { milliseconds: number }) => {
    port.postMessage(announceFor(milliseconds, store, thread));
  });
  port.postMessage('ready');
}
