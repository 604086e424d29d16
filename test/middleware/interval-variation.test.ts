import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { intervalVariationDriver } from '../../src/middleware/interval-variation/driver.ts';
import type { Hook } from '../../src/middleware/middleware.ts';
import { describeHook } from '../conformance/hook.ts';
import { openHook } from '../support/open-hook.ts';
import { type AnnounceFields, announce, responseTo, someInfohash, somePeerId } from '../support/requests.ts';

const VALID = { modify_response_probability: 0.2, max_increase_delta: 60 };

describeHook(intervalVariationDriver, {
  valid: [
    { ...VALID, modify_min_interval: true },
    VALID,
    { modify_response_probability: 1, max_increase_delta: 1, modify_min_interval: false },
  ],
  invalid: [
    ...[0, -0.1, 1.01, '0.2', undefined, Number.NaN].map((value) => ({
      options: { ...VALID, modify_response_probability: value },
      path: 'modify_response_probability',
      message: 'expected a number above 0 and up to 1, found',
    })),
    ...[0, -60, 1.5, 2 ** 31, '60', undefined].map((value) => ({
      options: { ...VALID, max_increase_delta: value },
      path: 'max_increase_delta',
      message: 'expected a whole number from 1 to 2147483647, found',
    })),
    { options: { ...VALID, modify_min_interval: 1 }, path: 'modify_min_interval', message: 'true or false' },
  ],
});

describe('interval variation', () => {
  const create = async (options: z.input<typeof intervalVariationDriver.options>): Promise<Hook> =>
    (await openHook(intervalVariationDriver, options)).hook;
  const added = (hook: Hook, fields: Partial<AnnounceFields>): [number, number] => {
    const request = announce(fields);
    const response = responseTo(request);
    response.interval = 1800;
    response.minInterval = 900;
    hook.handleAnnounce(new RequestContext(), request, response);
    return [response.interval - 1800, response.minInterval - 900];
  };

  it('adds as much to the minimum interval, if told to', async () => {
    const both = await create({
      modify_response_probability: 1,
      max_increase_delta: 60,
      modify_min_interval: true,
    });
    const one = await create({ modify_response_probability: 1, max_increase_delta: 60 });
    for (let i = 0; i < 100; i++) {
      const [interval, minInterval] = added(both, { peerId: somePeerId(i) });
      expect(interval).toBeGreaterThanOrEqual(1);
      expect(minInterval).toBe(interval);
      expect(added(one, { peerId: somePeerId(i) })).toEqual([interval, 0]);
    }
  });

  it('depends on infohash and peer id and on nothing else', async () => {
    const hook = await create({ modify_response_probability: 1, max_increase_delta: 1_000_000 });
    const first = added(hook, {});
    const same = { address: '2001:db8::1', port: 1, left: 0, numwant: 0, event: 3 } as const;
    expect(added(hook, same)).toEqual(first);
    expect(
      added(await create({ modify_response_probability: 1, max_increase_delta: 1_000_000 }), {}),
    ).toEqual(first);
    expect(added(hook, { infohash: someInfohash(1) })).not.toEqual(first);
    expect(added(hook, { peerId: somePeerId(1) })).not.toEqual(first);
    // The last byte counts like the first.
    expect(added(hook, { peerId: `${somePeerId(0).slice(0, 19)}!` })).not.toEqual(first);
  });

  // The inputs are fixed, so these cannot fail by chance: they either hold for this hash or do not.
  // Bounds are those that a fair draw would keep 9,999 times in 10,000.
  it('picks the share of peers that it is told to', async () => {
    const n = 20_000;
    for (const p of [0.01, 0.2, 0.5, 0.99]) {
      const hook = await create({ modify_response_probability: p, max_increase_delta: 60 });
      let picked = 0;
      for (let i = 0; i < n; i++) if (added(hook, { peerId: somePeerId(i) })[0] > 0) picked++;
      expect(Math.abs(picked - n * p)).toBeLessThan(3.9 * Math.sqrt(n * p * (1 - p)));
    }
  });

  it.each([
    ['of one swarm', (i: number) => ({ peerId: somePeerId(i) })],
    ['with peer ids that count up', (i: number) => ({ peerId: `-TR4050-${String(i).padStart(12, '0')}` })],
    ['across swarms', (i: number) => ({ infohash: someInfohash(i) })],
  ])('spreads the seconds evenly over 1 to the maximum, for the picked peers %s', async (_, fields) => {
    const max = 20;
    const seen = new Array<number>(max + 1).fill(0);
    const hook = await create({ modify_response_probability: 0.5, max_increase_delta: max });
    for (let i = 0; i < 20_000; i++) {
      const [seconds] = added(hook, fields(i));
      seen[seconds] = (seen[seconds] ?? 0) + 1;
    }
    expect(seen).toHaveLength(max + 1);
    const picked = 20_000 - (seen[0] as number);
    const share = picked / max;
    const chiSquare = seen.slice(1).reduce((sum, count) => sum + (count - share) ** 2 / share, 0);
    // 19 degrees of freedom: exceeded once in 10,000 draws.
    expect(chiSquare).toBeLessThan(50.8);
  });
});
