/** The parts of the view that tell of requests. */

import type { Change } from './change.ts';
import { milliseconds, rate } from './numbers.ts';
import { errorRates, familiesOf, latencies, protocolsOf, requestRate } from './responses.ts';
import type { Section } from './section.ts';

const ACTIONS = ['announce', 'scrape', 'connect'] as const;
const NAME = 8;
const CELL = 10;
const CAUSE = 14;

const cell = (text: string) => text.padStart(CELL);

export function requests(change: Change): Section {
  const rows = protocolsOf(change).flatMap((protocol) =>
    familiesOf(change, protocol).map((family) => ({
      name: protocol,
      family,
      rates: ACTIONS.map((action) => requestRate(change, protocol, action, family)),
    })),
  );
  const total = ACTIONS.map((_, i) => rows.reduce((sum, { rates }) => sum + (rates[i] ?? 0), 0));
  return {
    title: 'REQUESTS/S'.padEnd(2 * NAME) + ACTIONS.map(cell).join(''),
    lines: [...rows, { name: 'all', family: '', rates: total }].map(
      ({ name, family, rates }) =>
        name.padEnd(NAME) + family.padEnd(NAME) + rates.map((each) => cell(rate(each))).join(''),
    ),
  };
}

/** Requests that were answered with an error, and packets that were not answered. */
export function errors(change: Change): Section {
  const line = (each: number, cause: string, text: string) =>
    `${rate(each).padStart(8)}  ${cause.padEnd(CAUSE)}  ${text}`;
  const answered = errorRates(change).map(({ protocol, action, text, rate: each }) =>
    line(each, `${protocol} ${action}`, text),
  );
  const dropped = (change.now.get('chihaya_udp_dropped_packets_total') ?? []).flatMap((sample) => {
    const each = change.increase(sample) / change.seconds;
    return each > 0 ? [line(each, 'udp dropped', sample.labels.get('reason') ?? '')] : [];
  });
  const lines = [...answered, ...dropped];
  return lines.length === 0
    ? { title: 'ERRORS/S', lines: ['none'] }
    : { title: 'ERRORS/S', lines, elastic: true, alarm: true };
}

export function latency(change: Change): Section {
  const bound = ({ bound: each, beyond }: { readonly bound: number; readonly beyond: boolean }) =>
    cell(`${beyond ? '>' : '<'}${milliseconds(each)}`);
  const lines = latencies(change).map(
    ({ protocol, action, mean, p50, p99 }) =>
      `${protocol} ${action}`.padEnd(2 * NAME) + cell(milliseconds(mean)) + bound(p50) + bound(p99),
  );
  return {
    title: 'LATENCY ms'.padEnd(2 * NAME) + ['mean', 'p50', 'p99'].map(cell).join(''),
    lines: lines.length > 0 ? lines : ['none: no requests, or enable_request_timing is off'],
  };
}
