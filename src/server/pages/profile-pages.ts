/**
 * `/debug/pprof/`: what a Go program has there, for `go tool pprof` and the viewers that read its format. One profile is
 * taken at a time, for a bounded time, with a bounded number of samples.
 */

import { chromeTrace } from '../profiles/chrome-trace.ts';
import type { NamedOutcome, ProfileOrder, ProfileSource } from '../profiles/profile-source.ts';
import { ALLOCATION_INTERVAL } from '../profiles/thread-profiler.ts';
import { type Answer, type Page, sentence } from './page.ts';

const INDEX = '/debug/pprof/';

/** How `seconds` is bounded, and how finely and how often a thread is sampled in that time at most. */
interface Sampling {
  readonly seconds: number;
  readonly most: number;
  /** Microseconds. */
  readonly interval: number;
  readonly samples: number;
}

const PROFILE: Sampling = { seconds: 30, most: 300, interval: 1_000, samples: 60_000 };
const TRACE: Sampling = { seconds: 1, most: 10, interval: 200, samples: 20_000 };

const ABOUT = [
  ['profile?seconds=30', 'where the processor was, in each thread; at most 300 seconds'],
  ['heap', 'who holds the memory of JavaScript, in each thread'],
  ['trace?seconds=1', 'what each thread did when, for Perfetto or speedscope; at most 10 seconds'],
  ['cmdline', 'the command line, its words separated by NUL'],
  ['symbol', 'for pprof, which has names in the profiles themselves'],
] as const;

/** The library behind them is read when somebody asks for a profile. */
const encoders = () => import('../profiles/pprof-profiles.ts');

/** @param source `undefined` while the tracker starts */
export function profilePages(source: () => ProfileSource | undefined): Page[] {
  const profiles = new OneAtATime(source);
  return [
    { path: INDEX, answer: index },
    {
      path: `${INDEX}profile`,
      answer: ({ query, signal }) =>
        profiles.sample(PROFILE, query, signal, async (outcomes, interval, startedAt, milliseconds) => {
          const { pprofOfCpu } = await encoders();
          return file('profile', await pprofOfCpu(outcomes, interval, startedAt, milliseconds));
        }),
    },
    {
      path: `${INDEX}heap`,
      answer: ({ signal }) =>
        profiles.take({ kind: 'heap' }, signal, async (outcomes, startedAt) => {
          const { pprofOfHeap } = await encoders();
          return file('heap', await pprofOfHeap(outcomes, ALLOCATION_INTERVAL, startedAt));
        }),
    },
    {
      path: `${INDEX}trace`,
      answer: ({ query, signal }) =>
        profiles.sample(TRACE, query, signal, async (outcomes) =>
          file('trace.json.gz', await chromeTrace(outcomes)),
        ),
    },
    {
      path: `${INDEX}cmdline`,
      answer: () => text([process.execPath, ...process.execArgv, ...process.argv.slice(1)].join('\0')),
    },
    // None can be looked up by address, and none needs to be.
    { path: `${INDEX}symbol`, post: true, answer: () => text('num_symbols: 0\n') },
  ];
}

type Encode = (outcomes: readonly NamedOutcome[], startedAt: number, milliseconds: number) => Promise<Answer>;
type EncodeSamples = (
  outcomes: readonly NamedOutcome[],
  interval: number,
  startedAt: number,
  milliseconds: number,
) => Promise<Answer>;

class OneAtATime {
  readonly #source: () => ProfileSource | undefined;
  #busy = false;

  constructor(source: () => ProfileSource | undefined) {
    this.#source = source;
  }

  async sample(
    { seconds, most, interval, samples }: Sampling,
    query: URLSearchParams,
    signal: AbortSignal,
    encode: EncodeSamples,
  ): Promise<Answer> {
    const given = query.get('seconds') ?? String(seconds);
    const wanted = /^\d{1,9}$/.test(given) ? Number(given) : 0;
    if (wanted < 1 || wanted > most)
      return sentence(400, `seconds: expected a whole number from 1 to ${most}`);
    const distance = Math.max(interval, Math.ceil((wanted * 1e6) / samples));
    return this.take(
      { kind: 'cpu', duration: wanted * 1000, interval: distance },
      signal,
      (outcomes, ...when) => encode(outcomes, distance, ...when),
    );
  }

  async take(order: ProfileOrder, signal: AbortSignal, encode: Encode): Promise<Answer> {
    const source = this.#source();
    if (!source) return sentence(503, 'the tracker is starting: there is nothing to profile yet');
    if (this.#busy) return sentence(409, 'another profile is being taken: ask again when it is finished');
    this.#busy = true;
    try {
      const startedAt = Date.now();
      const start = performance.now();
      const outcomes = await source.take(order, signal);
      if (outcomes.some(({ outcome }) => 'profile' in outcome))
        return await encode(outcomes, startedAt, performance.now() - start);
      const reasons = outcomes.map(({ thread, outcome }) =>
        'missing' in outcome ? `${thread}: ${outcome.missing}` : '',
      );
      return sentence(503, `no thread could be profiled: ${reasons.join('; ')}`);
    } finally {
      this.#busy = false;
    }
  }
}

function index(): Answer {
  const rows = ABOUT.map(([path, what]) => `<li><a href="${path}">${path}</a>: ${what}</li>`);
  return {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html>\n<title>Profiles of Chihaya</title>\n<ul>\n${rows.join('\n')}\n</ul>\n`,
  };
}

function text(body: string): Answer {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

function file(name: string, body: Uint8Array): Answer {
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${name}"`,
      'x-content-type-options': 'nosniff',
    },
    body,
  };
}
