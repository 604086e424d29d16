/**
 * How long each hook takes: `chihaya_hook_seconds_total` and `chihaya_hook_calls_total`, for where request timing is
 * enabled. Hooks are put into others that look at the clock before and after, so that without timing nothing is left
 * to be asked.
 */

import type { AnnounceRequest, AnnounceResponse } from '../bittorrent/announce.ts';
import type { RequestContext } from '../bittorrent/context.ts';
import type { ScrapeRequest, ScrapeResponse } from '../bittorrent/scrape.ts';
import { isPromise } from '../pkg/maybe-promise.ts';
import type { Metric, Sample } from '../pkg/metrics.ts';
import type { NamedHook } from './hook-chain.ts';
import type { Hook } from './middleware.ts';

// Words of a row's values.
const CALLS = 0;
const MILLISECONDS = 1;

/** Before or after the answer. */
export type Stage = 'prehook' | 'posthook';

interface Row {
  readonly stage: Stage;
  readonly hook: string;
  readonly values: Float64Array;
}

export class HookTimes {
  readonly #rows: Row[] = [];

  readonly metrics: readonly Metric[] = [
    {
      name: 'chihaya_hook_seconds_total',
      help: 'The time that hooks took, waiting included; with request timing only',
      type: 'counter',
      collect: () => this.#samples(MILLISECONDS, 1 / 1000),
    },
    {
      name: 'chihaya_hook_calls_total',
      help: 'How often hooks were called; with request timing only',
      type: 'counter',
      collect: () => this.#samples(CALLS, 1),
    },
  ];

  /** The same hooks, timed. */
  timed(stage: Stage, hooks: readonly NamedHook[]): NamedHook[] {
    return hooks.map(({ name, hook }) => {
      const values = new Float64Array(2);
      this.#rows.push({ stage, hook: name, values });
      return { name, hook: new TimedHook(hook, values) };
    });
  }

  #samples(word: number, unit: number): Sample[] {
    return this.#rows.map(({ stage, hook, values }) => ({
      labels: { stage, hook },
      value: (values[word] as number) * unit,
    }));
  }
}

class TimedHook implements Hook {
  readonly #hook: Hook;
  readonly #values: Float64Array;

  constructor(hook: Hook, values: Float64Array) {
    this.#hook = hook;
    this.#values = values;
  }

  handleAnnounce(
    context: RequestContext,
    request: AnnounceRequest,
    response: AnnounceResponse,
  ): void | Promise<void> {
    const start = performance.now();
    let result: void | Promise<void>;
    try {
      result = this.#hook.handleAnnounce(context, request, response);
    } catch (error) {
      // What ends in an error has taken its time, too.
      this.#record(start);
      throw error;
    }
    if (isPromise(result)) return this.#recordLater(start, result);
    this.#record(start);
  }

  handleScrape(
    context: RequestContext,
    request: ScrapeRequest,
    response: ScrapeResponse,
  ): void | Promise<void> {
    const start = performance.now();
    let result: void | Promise<void>;
    try {
      result = this.#hook.handleScrape(context, request, response);
    } catch (error) {
      this.#record(start);
      throw error;
    }
    if (isPromise(result)) return this.#recordLater(start, result);
    this.#record(start);
  }

  #record(start: number): void {
    const values = this.#values;
    values[CALLS] = (values[CALLS] as number) + 1;
    values[MILLISECONDS] = (values[MILLISECONDS] as number) + performance.now() - start;
  }

  async #recordLater(start: number, result: Promise<void>): Promise<void> {
    try {
      await result;
    } finally {
      this.#record(start);
    }
  }
}
