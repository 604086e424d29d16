/** What the histograms of responses tell: requests by protocol, action and family, errors, and how long they took. */

import type { Change } from './change.ts';
import type { Sample } from './prometheus-text.ts';

const HISTOGRAM = /^chihaya_(\w+)_response_duration_milliseconds_count$/;

/** The protocols that the tracker counts, in the order that it tells them in. */
export function protocolsOf({ now }: Change): string[] {
  return [...now.keys()].flatMap((name) => HISTOGRAM.exec(name)?.[1] ?? []).toSorted();
}

/** The families that requests of the protocol were counted for so far: `Unknown` if they failed before theirs was known. */
export function familiesOf({ now }: Change, protocol: string): string[] {
  const counts = now.get(nameOf(protocol, 'count')) ?? [];
  return [...new Set(counts.map(({ labels }) => labels.get('address_family') ?? ''))].toSorted();
}

/** Requests a second, those that failed included. */
export function requestRate(change: Change, protocol: string, action: string, family: string): number {
  return change.rate(
    nameOf(protocol, 'count'),
    (labels) => labels.get('action') === action && labels.get('address_family') === family,
  );
}

export interface ErrorRate {
  readonly protocol: string;
  readonly action: string;
  readonly text: string;
  readonly rate: number;
}

/** Errors of this interval, the most frequent first. */
export function errorRates(change: Change): ErrorRate[] {
  const rates = new Map<string, ErrorRate>();
  for (const protocol of protocolsOf(change)) {
    for (const sample of change.now.get(nameOf(protocol, 'count')) ?? []) {
      const text = sample.labels.get('error') ?? '';
      const rate = change.increase(sample) / change.seconds;
      if (text === '' || rate === 0) continue;
      const action = sample.labels.get('action') ?? '';
      const key = JSON.stringify([protocol, action, text]);
      rates.set(key, { protocol, action, text, rate: rate + (rates.get(key)?.rate ?? 0) });
    }
  }
  return [...rates.values()].toSorted((a, b) => b.rate - a.rate || (a.text < b.text ? -1 : 1));
}

/** Milliseconds that a part of the requests stayed below, or, beyond the last of the buckets, did not. */
export interface Quantile {
  readonly bound: number;
  readonly beyond: boolean;
}

/** How long the requests of this interval took, in milliseconds. */
export interface Latency {
  readonly protocol: string;
  readonly action: string;
  readonly mean: number;
  readonly p50: Quantile;
  readonly p99: Quantile;
}

/** Of each kind of request that was timed: without timing all take 0 ms, which says nothing. */
export function latencies(change: Change): Latency[] {
  return protocolsOf(change).flatMap((protocol) => {
    const counts = change.now.get(nameOf(protocol, 'count')) ?? [];
    const actions = [...new Set(counts.map(({ labels }) => labels.get('action') ?? ''))].toSorted();
    return actions.flatMap((action) => {
      const ofAction = (labels: Sample['labels']) => labels.get('action') === action;
      const sum = change.sum(nameOf(protocol, 'sum'), ofAction);
      const count = change.sum(nameOf(protocol, 'count'), ofAction);
      if (sum <= 0 || count <= 0) return [];
      const buckets = bucketsOf(change, nameOf(protocol, 'bucket'), ofAction);
      const quantile = (part: number): Quantile => {
        const bound = buckets.find(([, below]) => below >= part * count)?.[0];
        return { bound: bound ?? buckets.at(-1)?.[0] ?? 0, beyond: bound === undefined };
      };
      return [{ protocol, action, mean: sum / count, p50: quantile(0.5), p99: quantile(0.99) }];
    });
  });
}

/** How many of this interval stayed below each bound, the lowest first; the last bound, which all do, is left out. */
function bucketsOf(
  change: Change,
  name: string,
  wanted: (labels: Sample['labels']) => boolean,
): [bound: number, below: number][] {
  const buckets = new Map<number, number>();
  for (const sample of change.now.get(name) ?? []) {
    const bound = Number(sample.labels.get('le'));
    if (Number.isNaN(bound) || !wanted(sample.labels)) continue;
    buckets.set(bound, (buckets.get(bound) ?? 0) + change.increase(sample));
  }
  return [...buckets].toSorted(([a], [b]) => a - b);
}

function nameOf(protocol: string, suffix: string): string {
  return `chihaya_${protocol}_response_duration_milliseconds_${suffix}`;
}
