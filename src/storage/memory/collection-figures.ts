/**
 * What collections tell of themselves and of the swarms that they pass by: how many there are of which size, without
 * a walk of its own. A collection's figures are published when it is over.
 */

import { type Metric, type Sample, single } from '../../pkg/metrics.ts';

/** Swarms of at least so many peers are in the class of that index. */
const CLASSES = [1, 10, 100, 1_000, 10_000, 100_000];
const CLASS_NAMES = ['1-9', '10-99', '100-999', '1000-9999', '10000-99999', '100000+'];

/** Of one collection. Times in milliseconds. */
export class CollectionRun {
  readonly sizes = new Float64Array(CLASSES.length);
  longestSlice = 0;
  longestWait = 0;
  readonly #sums: Sums;

  constructor(sums: Sums) {
    this.#sums = sums;
  }

  /** A slice took that long. */
  sliced(milliseconds: number): void {
    this.#sums.slices++;
    this.#sums.inSlices += milliseconds;
    this.longestSlice = Math.max(this.longestSlice, milliseconds);
  }

  /** The next slice had to wait that long for its turn. */
  waited(milliseconds: number): void {
    this.#sums.waiting += milliseconds;
    this.longestWait = Math.max(this.longestWait, milliseconds);
  }

  /** A swarm has been looked at; `size` is what is left of it. */
  saw(size: number): void {
    let of = -1;
    while (of + 1 < CLASSES.length && size >= (CLASSES[of + 1] as number)) of++;
    if (of >= 0) this.sizes[of] = (this.sizes[of] as number) + 1;
  }
}

/** Of all collections. */
interface Sums {
  slices: number;
  inSlices: number;
  waiting: number;
}

export class CollectionFigures {
  readonly #sums: Sums = { slices: 0, inSlices: 0, waiting: 0 };
  #last: CollectionRun | undefined;

  begin(): CollectionRun {
    return new CollectionRun(this.#sums);
  }

  /** `run` has looked at every swarm. */
  publish(run: CollectionRun): void {
    this.#last = run;
  }

  readonly metrics: readonly Metric[] = [
    {
      name: 'chihaya_storage_swarms',
      help: 'Swarms by how many peers they have, as of the last collection',
      type: 'gauge',
      collect: () =>
        CLASS_NAMES.flatMap((peers, i) => this.#ofLast(({ sizes }) => sizes[i] as number, { peers })),
    },
    single(
      'chihaya_storage_gc_slices_total',
      'counter',
      'Slices of collections, between which requests are served',
      () => this.#sums.slices,
    ),
    single(
      'chihaya_storage_gc_slice_seconds_total',
      'counter',
      'The time that slices of collections took',
      () => this.#sums.inSlices / 1000,
    ),
    single(
      'chihaya_storage_gc_wait_seconds_total',
      'counter',
      'The time that collections waited for their next slice',
      () => this.#sums.waiting / 1000,
    ),
    {
      name: 'chihaya_storage_gc_longest_slice_seconds',
      help: 'The longest slice of the last collection',
      type: 'gauge',
      collect: () => this.#ofLast(({ longestSlice }) => longestSlice / 1000),
    },
    {
      name: 'chihaya_storage_gc_longest_wait_seconds',
      help: 'The longest wait for a slice in the last collection',
      type: 'gauge',
      collect: () => this.#ofLast(({ longestWait }) => longestWait / 1000),
    },
  ];

  /** Nothing before the first. */
  #ofLast(value: (run: CollectionRun) => number, labels: Sample['labels'] = {}): Sample[] {
    return this.#last ? [{ labels, value: value(this.#last) }] : [];
  }
}
