/**
 * When snapshots are written: every `snapshot_interval`, and once more when the store stops. One that fails is
 * logged and counted, and the tracker goes on; the snapshot before it stays.
 */

import { formatDuration } from '../../../pkg/duration.ts';
import { within } from '../../../pkg/within.ts';
import type { StorageDependencies } from '../../driver.ts';
import type { MemoryPeerStore } from '../peer-store.ts';
import { save } from './save.ts';
import { reasonOf, type SnapshotFile } from './snapshot-file.ts';
import type { SnapshotMetrics } from './snapshot-metrics.ts';

/** How long a stop waits for its snapshot, in milliseconds: a disk may hang. */
const LAST_TAKES = 30_000;

export class Snapshots {
  readonly #store: MemoryPeerStore;
  readonly #file: SnapshotFile;
  readonly #interval: number;
  readonly #dependencies: StorageDependencies;
  readonly #metrics: SnapshotMetrics;
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> | undefined;
  #stopping = false;

  /** @param interval milliseconds */
  constructor(
    store: MemoryPeerStore,
    file: SnapshotFile,
    interval: number,
    dependencies: StorageDependencies,
    metrics: SnapshotMetrics,
  ) {
    this.#store = store;
    this.#file = file;
    this.#interval = interval;
    this.#dependencies = dependencies;
    this.#metrics = metrics;
    this.#timer = setInterval(() => this.#tick(), interval);
    this.#timer.unref();
  }

  /** Writes the last snapshot. One that is under way is abandoned: it would be older. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping = true;
    let late = false;
    const last = async () => {
      await this.#writing;
      await this.#write(() => late);
    };
    late = !(await within(LAST_TAKES, last()));
    if (late) this.#fail(new Error(`it took longer than ${formatDuration(LAST_TAKES)}`));
  }

  #tick(): void {
    // One that takes longer than the interval is not joined by a second one.
    this.#writing ??= this.#write(() => this.#stopping).finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(abandoned: () => boolean): Promise<void> {
    const { clock, logger } = this.#dependencies;
    const begun = clock.now();
    const start = performance.now();
    try {
      const saved = await this.#file.replace((file) => save(this.#store, file, begun, abandoned));
      if (!saved) return;
      const milliseconds = performance.now() - start;
      this.#metrics.countWrite(milliseconds);
      this.#metrics.tell(begun, saved.bytes);
      const fields = { path: this.#file.path, ...saved, milliseconds: Math.round(milliseconds) };
      logger[this.#stopping ? 'info' : 'debug'](fields, 'wrote a snapshot');
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#metrics.countFailedWrite();
    const then = this.#stopping ? '' : `, and another is tried in ${formatDuration(this.#interval)}`;
    this.#dependencies.logger.error(
      { err: error },
      `no snapshot was written to ${this.#file.path}: ${reasonOf(error)}; the last one stays${then}`,
    );
  }
}
