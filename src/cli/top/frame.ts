/** Lays the view out in a terminal of some size: one column, or two where there is room. */

import type { Change } from './change.ts';
import { age } from './numbers.ts';
import { errors, latency, requests } from './request-sections.ts';
import type { Section } from './section.ts';
import { processOf, swarms, workers } from './tracker-sections.ts';
import type { Watch } from './watch.ts';

/** A stretch of a line, and how it is to look. */
export interface Span {
  readonly text: string;
  readonly style?: 'title' | 'alarm' | 'dim';
}

export type Line = readonly Span[];

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** From this width on there are two columns, the second beginning in the middle. */
const TWO_COLUMNS = 110;
const GAP = 2;

/** How long it is told that the tracker has started anew (seconds). */
const TOLD = 60;

/**
 * At most as many lines as there are rows, none longer than there are columns.
 *
 * @param at now, in the seconds of `watch`
 * @param time now, in seconds since 1970
 */
export function frame(watch: Watch, url: string, { columns, rows }: Size, at: number, time: number): Line[] {
  const head = [...title(watch, url, time), ...status(watch, at)];
  const { change } = watch;
  const body = change ? layOut(change, columns, Math.max(0, rows - head.length)) : [];
  const dimmed = watch.away
    ? body.map((line) => line.map(({ text }) => ({ text, style: 'dim' as const })))
    : body;
  return [...head, ...dimmed].slice(0, rows).map((line) => cut(line, columns));
}

function title({ change, away }: Watch, url: string, time: number): Line[] {
  const version = change?.now.get('chihaya_build_info')?.[0]?.labels.get('version');
  const started = change?.gauge('process_start_time_seconds');
  const up = started === undefined || away ? '' : `   up ${age(time - started)}`;
  return [[{ text: `chihaya${version ? ` ${version}` : ''}`, style: 'title' }, { text: ` ${url}${up}` }]];
}

function status({ change, away, restarts, restartedAt }: Watch, at: number): Line[] {
  if (away) {
    const old = change ? '; below is the last that was seen' : '';
    return [[{ text: `NO ANSWER for ${age(at - away.since)}: ${away.reason}${old}`, style: 'alarm' }]];
  }
  if (!change) return [[{ text: 'the first look is taken: rates need two', style: 'dim' }]];
  const over: Span = { text: `rates over ${change.seconds.toFixed(1)} s`, style: 'dim' };
  if (restarts === 0 || at - restartedAt > TOLD) return [[over]];
  const times = restarts === 1 ? '' : `, ${restarts} times in all`;
  return [[over, { text: `   STARTED ANEW ${age(at - restartedAt)} ago${times}`, style: 'alarm' }]];
}

function layOut(change: Change, columns: number, rows: number): Line[] {
  const two = columns >= TWO_COLUMNS;
  const width = two ? Math.floor((columns - GAP) / 2) : columns;
  const ofRequests = [requests(change), errors(change)];
  const ofTracker = [
    latency(change),
    swarms(change, width),
    workers(change, width),
    processOf(change, width),
  ];
  if (!two) return stack([...ofRequests, ...ofTracker], rows);
  const left = stack(ofRequests, rows);
  const right = stack(ofTracker, rows);
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const line = cut(left[i] ?? [], width);
    const length = line.reduce((sum, { text }) => sum + text.length, 0);
    return [...line, { text: ' '.repeat(width + GAP - length) }, ...(right[i] ?? [])];
  });
}

/** One below another, with an empty line before each if there is room; what is elastic gives way. */
function stack(sections: readonly Section[], rows: number): Line[] {
  const needed = sections.reduce((sum, { lines }) => sum + 1 + lines.length, 0);
  const spaced = needed + sections.length <= rows;
  let excess = spaced ? 0 : needed - rows;
  // The last gives way first: the errors are what is looked for.
  const fitted = sections.toReversed().map((section) => {
    if (!section.elastic || excess <= 0) return section;
    const shorter = shorten(section, excess);
    excess -= section.lines.length - shorter.lines.length;
    return shorter;
  });
  return fitted
    .toReversed()
    .flatMap(({ title, lines, alarm }) => [
      ...(spaced ? [[]] : []),
      [{ text: title, style: alarm ? ('alarm' as const) : ('title' as const) }],
      ...lines.map((text) => [{ text }]),
    ])
    .slice(0, rows);
}

/** Without up to `excess` of its last lines, in whose place a line tells how many they are; its first stays. */
function shorten(section: Section, excess: number): Section {
  const { lines } = section;
  const kept = Math.max(1, lines.length - excess - 1);
  if (kept + 1 >= lines.length) return section;
  return { ...section, lines: [...lines.slice(0, kept), `and ${lines.length - kept} more`] };
}

function cut(line: Line, columns: number): Line {
  let room = columns;
  return line.flatMap((span) => {
    const text = span.text.slice(0, room);
    room -= text.length;
    return text === '' ? [] : [{ ...span, text }];
  });
}
