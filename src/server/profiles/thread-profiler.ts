/**
 * Profiles of this thread, by V8's own profilers. Both sample: what they cost does not depend on how busy the thread
 * is. Allocations are sampled all the time, one in 512 KiB, as nobody could tell later who holds memory; the processor
 * is sampled while a profile is taken.
 */

import type { Session } from 'node:inspector/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { CpuProfile, HeapNode, ProfileOrder, ThreadProfile } from './profile-source.ts';

/** Bytes between two allocations that are noted. */
export const ALLOCATION_INTERVAL = 512 * 1024;

export class ThreadProfiler {
  readonly #session: Session;

  static async open(): Promise<ThreadProfiler> {
    // A Node can be built without it.
    const { Session } = await import('node:inspector/promises');
    const session = new Session();
    session.connect();
    await session.post('HeapProfiler.enable');
    const profiler = new ThreadProfiler(session);
    await profiler.#noteAllocations();
    return profiler;
  }

  private constructor(session: Session) {
    this.#session = session;
  }

  /** Rejects if V8 refuses. One at a time. @param signal ends it early, with what there is */
  async take(order: ProfileOrder, signal: AbortSignal): Promise<ThreadProfile> {
    if (order.kind === 'cpu') {
      return { kind: 'cpu', profile: await this.#sample(order.duration, order.interval, signal) };
    }
    return { kind: 'heap', head: (await this.#allocations()).head };
  }

  close(): void {
    this.#session.disconnect();
  }

  async #noteAllocations(): Promise<void> {
    await this.#session.post('HeapProfiler.startSampling', { samplingInterval: ALLOCATION_INTERVAL });
  }

  async #allocations(): Promise<{ readonly head: HeapNode }> {
    try {
      return (await this.#session.post('HeapProfiler.getSamplingProfile')).profile;
    } catch (error) {
      // V8 has one such profiler a thread, and whoever else uses it ends it for all.
      await this.#noteAllocations();
      throw new Error('something else ended the sampling of allocations, which begins anew now', {
        cause: error,
      });
    }
  }

  async #sample(duration: number, interval: number, signal: AbortSignal): Promise<CpuProfile> {
    const session = this.#session;
    await session.post('Profiler.enable');
    try {
      await session.post('Profiler.setSamplingInterval', { interval });
      await session.post('Profiler.start');
      await wait(duration, undefined, { signal, ref: false }).catch(() => {});
      return (await session.post('Profiler.stop')).profile;
    } finally {
      await session.post('Profiler.disable');
    }
  }
}
