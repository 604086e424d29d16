/**
 * A tracker of several workers inside the test, so that it can look at each. It is the compiled one: worker
 * threads can be started of compiled code only. Its types are those of the source.
 */

import { join } from 'node:path';
import type { parse } from '../../src/config/parse.ts';
import type { Closers } from '../../src/server/closers.ts';
import type { createTracker, TrackerOptions } from '../../src/server/create-tracker.ts';
import type { MetricSet } from '../../src/server/metric-set.ts';
import type { Supervisor } from '../../src/server/supervisor.ts';
import type { TrackerComponents } from '../../src/server/tracker-parts.ts';
import type { WorkerThread } from '../../src/server/worker-thread.ts';
import { MemoryLogger } from './memory-logger.ts';

const BUILD = join(import.meta.dirname, '../../build');

async function built<Exports>(path: string): Promise<Exports> {
  return (await import(join(BUILD, path))) as Exports;
}

/** `createTracker` of the compiled code. */
export async function builtCreateTracker(): Promise<typeof createTracker> {
  return (await built<{ createTracker: typeof createTracker }>('server/create-tracker.js')).createTracker;
}

export class Supervised {
  readonly supervisor: Supervisor;
  readonly logger: MemoryLogger;
  readonly #closers: Closers;

  private constructor(supervisor: Supervisor, logger: MemoryLogger, closers: Closers) {
    this.supervisor = supervisor;
    this.logger = logger;
    this.#closers = closers;
  }

  static async start(options: TrackerOptions, workers: number): Promise<Supervised> {
    const modules = {
      ...(await built<{ parse: typeof parse }>('config/parse.js')),
      ...(await built<{ builtIn: TrackerComponents }>('server/built-in.js')),
      ...(await built<{ Closers: typeof Closers }>('server/closers.js')),
      ...(await built<{ MetricSet: typeof MetricSet }>('server/metric-set.js')),
      ...(await built<{ Supervisor: typeof Supervisor }>('server/supervisor.js')),
    };
    const logger = new MemoryLogger();
    const closers = new modules.Closers(logger);
    const metrics = new modules.MetricSet();
    const config = modules.parse(options, modules.builtIn);
    const clock = { now: () => Date.now() };
    try {
      const supervisor = await modules.Supervisor.start(config, workers, { logger, clock, metrics, closers });
      return new Supervised(supervisor, logger, closers);
    } catch (error) {
      await closers.closeAll();
      throw error;
    }
  }

  port(protocol: string): number {
    const address = this.supervisor.addresses.find((each) => each.protocol === protocol);
    if (!address) throw new Error(`no ${protocol} is served`);
    return address.port;
  }

  /** The value of a line of the metrics: a name, with labels if it has any. */
  async metric(line: string): Promise<number | undefined> {
    const text = await this.supervisor.metrics.text();
    const found = text.split('\n').find((each) => each.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.slice(line.length));
  }

  /** How many requests each worker has answered over `protocol`, as of the last look at the metrics. */
  answered(protocol: 'http' | 'udp'): number[] {
    const name = `chihaya_${protocol}_response_duration_milliseconds`;
    return this.supervisor.threads.map(({ reports }) =>
      reports
        .filter((report) => report.name === name)
        .flatMap(({ samples }) => samples)
        .filter(({ suffix }) => suffix === '_count')
        .reduce((sum, { value }) => sum + value, 0),
    );
  }

  /** Ends a worker on the spot, and waits until another serves in its place. */
  async kill(number: number): Promise<WorkerThread> {
    const dead = this.supervisor.threads[number - 1] as WorkerThread;
    dead.terminate();
    return this.replaced(dead);
  }

  /** The worker that serves in the place of one that is dying. */
  async replaced(dead: WorkerThread): Promise<WorkerThread> {
    await dead.ended;
    let next = dead;
    while (next === dead) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      next = this.supervisor.threads[dead.number - 1] as WorkerThread;
    }
    await next.ready;
    return next;
  }

  stop(): Promise<void> {
    return this.#closers.closeAll();
  }
}
