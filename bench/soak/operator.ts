/** What an operator does to a tracker in the course of a day: starts it, reloads it, makes a mistake, looks at it, restarts it. */

import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { TrackerProcess } from '../../test/support/tracker-process.ts';
import type { Complaints } from './complaints.ts';
import type { Configurations } from './configuration.ts';
import { page, total } from './samples.ts';

/** One reload in so many is of a broken file. */
const BROKEN = 5;
/** What the log says of that one, and nothing else that is a warning or worse. */
const OF_A_BROKEN_FILE = /announce_intervall|the configuration was not reloaded/;

/** Connections that clients have closed or left hanging are gone after this (milliseconds), and snapshots written. */
const SETTLED_WITHIN = 20_000;
const STOPPED_WITHIN = 60_000;
const POLL = 100;

export class Operator {
  tracker: TrackerProcess;
  readonly done = { reloads: 0, refused: 0, restarts: 0, profiles: 0, snapshots: 0, collections: 0 };
  readonly #configurations: Configurations;
  readonly #complaints: Complaints;
  #actions = 0;
  /** Reloads of this process. */
  #reloads = 0;
  /** Descriptors that it had open before there were clients. */
  #descriptors: number;

  static async start(configurations: Configurations, complaints: Complaints): Promise<Operator> {
    return new Operator(await TrackerProcess.run(configurations.path), configurations, complaints);
  }

  private constructor(tracker: TrackerProcess, configurations: Configurations, complaints: Complaints) {
    this.tracker = tracker;
    this.#configurations = configurations;
    this.#complaints = complaints;
    this.#descriptors = this.tracker.openDescriptors;
  }

  get metrics(): string {
    return this.tracker.metrics as string;
  }

  /** Another configuration, or now and then one that is broken. */
  async reload(): Promise<void> {
    if (++this.#actions % BROKEN === 0) {
      this.#configurations.break();
      const { msg } = await this.tracker.reload();
      if (msg === 'reloaded') this.#complaints.add('a broken configuration was loaded');
      this.#configurations.mend();
      this.done.refused++;
      return;
    }
    this.#configurations.next();
    const { msg } = await this.tracker.reload();
    if (msg !== 'reloaded') this.#complaints.add('a configuration was not loaded', msg);
    this.#configurations.settle();
    this.#reloads++;
    this.done.reloads++;
  }

  /**
   * Takes a profile of the heap, for which V8 collects garbage in every thread. Else it leaves what is garbage for so long that
   * resident memory goes up and down by 40 MB over hundreds of reloads.
   */
  async profileHeap(): Promise<void> {
    await page(new URL('/debug/pprof/heap', this.metrics).href);
  }

  async profile(): Promise<void> {
    const profile = await page(new URL('/debug/pprof/profile?seconds=1', this.metrics).href);
    if (gunzipSync(profile).length === 0) this.#complaints.add('an empty profile');
    this.done.profiles++;
  }

  /** Stops the tracker, whose clients have all gone, and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    this.tracker = await TrackerProcess.run(this.#configurations.path);
    this.#descriptors = this.tracker.openDescriptors;
    this.#reloads = 0;
    this.done.restarts++;
  }

  /** Looks whether all is in order, and stops the tracker, whose clients have all gone. */
  async stop(): Promise<void> {
    await this.#awaitDescriptors();
    await this.#readMetrics();
    const { process } = this.tracker;
    await process.stop('SIGTERM', STOPPED_WITHIN);
    if (process.exitCode !== 0) this.#complaints.add('a stop did not end with 0', String(process.exitCode));
    if (process.said > process.output.length) this.#complaints.add('the log was too long to be read');
    for (const problem of this.tracker.problems()) {
      const line = JSON.stringify(problem);
      if (!OF_A_BROKEN_FILE.test(line)) this.#complaints.add('an unexpected line in the log', line);
    }
  }

  async #awaitDescriptors(): Promise<void> {
    const until = performance.now() + SETTLED_WITHIN;
    while (this.tracker.openDescriptors > this.#descriptors) {
      if (performance.now() > until) {
        const more = `${this.tracker.openDescriptors}, at first ${this.#descriptors}`;
        this.#complaints.add('descriptors are left open', more);
        return;
      }
      await setTimeout(POLL);
    }
  }

  async #readMetrics(): Promise<void> {
    const text = (await page(this.metrics)).toString();
    const internal = ['http', 'udp'].reduce(
      (sum, each) =>
        sum + total(text, `chihaya_${each}_response_duration_milliseconds_count`, 'error="internal error"'),
      0,
    );
    for (const [what, count] of [
      ['internal errors', internal],
      ['workers that died', total(text, 'chihaya_worker_restarts_total')],
      ['failed snapshots', total(text, 'chihaya_storage_snapshot_failures_total')],
      [
        'packets dropped as the tracker was busy',
        total(text, 'chihaya_udp_dropped_packets_total', 'reason="bu'),
      ],
    ] as const) {
      if (count !== 0) this.#complaints.add(`the metrics tell of ${what}`, String(count));
    }
    const reloads = total(text, 'chihaya_reloads_total', 'result="success"');
    if (reloads !== this.#reloads)
      this.#complaints.add('the metrics tell of other reloads', `${reloads}, there were ${this.#reloads}`);
    this.done.snapshots += total(text, 'chihaya_storage_snapshot_duration_milliseconds_count');
    this.done.collections += total(text, 'chihaya_storage_gc_duration_milliseconds_count');
  }
}
