import { expect, test } from 'vitest';
import { Workload } from '../../bench/load/workload.ts';

/** What the generator in C that this one stands for (xorshift64, from the same seed) asks for first. */
const ANNOUNCES = [
  ['udpload0000000006837', 62956, 0, -69331536],
  ['udpload0000000000853', 10600, 0, 1126861797],
  ['udpload0000000005805', 17736, 0, 1260503921],
  ['udpload0000000004545', 43569, 1000, 1115118193],
  ['udpload0000000008324', 3751, 0, -565240765],
  ['udpload0000000008245', 5381, 1000, 2039693133],
];
const WITH_SCRAPES = [
  ['udpload0000000006837', 'scrape'],
  ['udpload0000000006474', 15840, 0, 659725008],
  ['udpload0000000002749', 'scrape'],
  ['udpload0000000000286', 'scrape'],
  ['udpload0000000004545', 'scrape'],
  ['udpload0000000006777', 34024, 1000, -133084204],
];

test.each([
  [0, ANNOUNCES],
  [20, WITH_SCRAPES],
])('with %i %% of scrapes, the requests are those of the generator in C', (scrapes, expected) => {
  const workload = new Workload({ infohashes: 10_000, ports: 65_535, scrapes, seeders: 50 });
  const found = expected.map(() => {
    workload.next();
    const { names, infohash, port, left, key, scrape } = workload;
    const name = Buffer.from(names.subarray(20 * infohash, 20 * infohash + 20)).toString('latin1');
    return scrape ? [name, 'scrape'] : [name, port, left, key];
  });
  expect(found).toEqual(expected);
});

test('low infohashes are asked for more often than high ones, and all are', () => {
  const workload = new Workload({ infohashes: 100, ports: 65_535, scrapes: 0, seeders: 50 });
  const counts = new Uint32Array(100);
  for (let i = 0; i < 100_000; i++) {
    workload.next();
    counts[workload.infohash] = (counts[workload.infohash] as number) + 1;
  }
  // The smaller of two numbers below n is k with the probability (2(n - k) - 1) / n².
  for (const [k, count] of counts.entries()) {
    const expected = (100_000 * (2 * (100 - k) - 1)) / 10_000;
    expect(Math.abs(count - expected), `infohash ${k}`).toBeLessThan(6 * Math.sqrt(expected) + 1);
  }
});
