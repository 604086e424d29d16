/** The judge of memory sees a leak, and takes nothing else for one. */

import { describe, expect, test } from 'vitest';
import { judgeFlatness } from '../../bench/soak/flatness.ts';

const SAMPLES = 600;
/** Of an hour. */
const SECONDS_APART = 6;

/** A process of 150 MB whose memory goes up and down by 30 MB with garbage collection, and a little at random. */
function sample(i: number): number {
  return 150e6 + 30e6 * ((i % 7) / 7) + 2e6 * Math.sin(i * 12.9898);
}

const series = (bytes: (i: number) => number) => Array.from({ length: SAMPLES }, (_, i) => bytes(i));

describe('judgeFlatness', () => {
  test.each<[string, (i: number) => number]>([
    ['nothing grows', sample],
    ['it grows in the first tenth', (i) => sample(i) + Math.min(i, 59) * 1e6],
    ['it shrinks', (i) => sample(i) - i * 1e4],
    ['single samples stand out, at the end, too', (i) => (i % 29 === 0 || i > 590 ? 400e6 : sample(i))],
  ])('flat: %s', (_what, bytes) => {
    expect(judgeFlatness(series(bytes)).flat).toBe(true);
  });

  test.each<[string, (i: number) => number]>([
    ['8,000 bytes a second are lost', (i) => sample(i) + i * SECONDS_APART * 8_000],
    ['40 MB are lost at each of ten moments', (i) => sample(i) + Math.floor(i / 60) * 40e6],
    ['it grows in the second half alone', (i) => sample(i) + Math.max(0, i - 300) * 2e5],
  ])('not flat: %s', (_what, bytes) => {
    expect(judgeFlatness(series(bytes)).flat).toBe(false);
  });

  test('tells what it compared', () => {
    const steps = series((i) => (i < 60 ? 1 : i < 120 ? 100e6 : i < 540 ? 500e6 : 120e6));
    expect(judgeFlatness(steps)).toEqual({ early: 100e6, late: 120e6, flat: false });
    expect(judgeFlatness(series((i) => (i < 120 ? 100e6 : 113e6))).flat).toBe(true);
    expect(judgeFlatness(series((i) => (i < 120 ? 100e6 : 113.1e6))).flat).toBe(false);
  });

  test('says nothing of a few samples', () => {
    expect(() => judgeFlatness([1, 2, 3])).toThrow('expected at least 40 samples, found 3');
  });
});
