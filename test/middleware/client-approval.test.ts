import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { clientId } from '../../src/bittorrent/client-id.ts';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { ClientIdSet } from '../../src/middleware/client-approval/client-id-set.ts';
import { clientApprovalDriver, unapprovedClient } from '../../src/middleware/client-approval/driver.ts';
import type { Hook } from '../../src/middleware/middleware.ts';
import { describeHook } from '../conformance/hook.ts';
import { openHook } from '../support/open-hook.ts';
import { announce, responseTo, somePeerId } from '../support/requests.ts';

describeHook(clientApprovalDriver, {
  valid: [
    { whitelist: ['TR4050', 'qB4630'] },
    { blacklist: ['M7-10-'] },
    {},
    { whitelist: [], blacklist: [] },
  ],
  invalid: [
    { options: { whitelist: ['TR4050'], blacklist: ['M7-10-'] }, path: 'blacklist', message: 'found both' },
    { options: { whitelist: ['TR4050', 'TR405'] }, path: 'whitelist.1', message: 'client id of 6 bytes' },
    { options: { blacklist: ['TR4050X'] }, path: 'blacklist.0', message: 'found "TR4050X"' },
    { options: { blacklist: ['TR405é'] }, path: 'blacklist.0', message: 'client id of 6 bytes' },
    { options: { blacklist: [100000] }, path: 'blacklist.0', message: /in quotes.*found 100000/ },
    { options: { whitelist: 'TR4050' }, path: 'whitelist', message: 'expected a list, found "TR4050"' },
  ],
});

describe('client approval', () => {
  const create = async (options: z.input<typeof clientApprovalDriver.options>): Promise<Hook> =>
    (await openHook(clientApprovalDriver, options)).hook;
  const approves = (hook: Hook, peerId: string): boolean => {
    const request = announce({ peerId });
    try {
      hook.handleAnnounce(new RequestContext(), request, responseTo(request));
      return true;
    } catch (error) {
      expect(error).toBe(unapprovedClient);
      return false;
    }
  };

  it('tells the client why', () => {
    expect(unapprovedClient.message).toBe('unapproved client');
  });

  it('reads the client id after the dash of an Azureus style peer id, else from the start', async () => {
    const hook = await create({ whitelist: ['TR4050', 'M7-10-'] });
    expect(approves(hook, '-TR4050-abcdefghijkl')).toBe(true);
    expect(approves(hook, 'TR4050-abcdefghijklm')).toBe(true);
    expect(approves(hook, 'M7-10-5--abcdefghijk')).toBe(true);
    expect(approves(hook, '--M7-10-abcdefghijkl')).toBe(false);
    expect(approves(hook, '-TR4051-abcdefghijkl')).toBe(false);
    expect(approves(hook, '-tr4050-abcdefghijkl')).toBe(false);
  });

  it('refuses what is on the blacklist and nothing else', async () => {
    const hook = await create({ blacklist: ['TR4050'] });
    expect(approves(hook, '-TR4050-abcdefghijkl')).toBe(false);
    expect(approves(hook, '-TR4060-abcdefghijkl')).toBe(true);
    expect(approves(hook, '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0')).toBe(true);
  });

  it.each([[{}], [{ whitelist: [] }], [{ blacklist: [] }]])(
    'approves everything with %j',
    async (options) => {
      expect(approves(await create(options), somePeerId(1))).toBe(true);
    },
  );
});

describe('ClientIdSet', () => {
  it('agrees with a Set of strings, for ids that share halves too', () => {
    const ids = Array.from({ length: 300 }, (_, i) => `${'ab'[i % 2]}${'xyz'[i % 3]}-${100 + (i % 50)}`);
    const set = new ClientIdSet(ids.map((id) => Buffer.from(id)));
    const oracle = new Set(ids);
    let found = 0;
    for (const a of 'abc') {
      for (const b of 'xyzw') {
        for (let n = 90; n < 200; n++) {
          for (const prefix of ['-', '']) {
            const peerId = Buffer.from(`${prefix}${a}${b}-${n}`.padEnd(20, '.'));
            expect(set.hasClientOf(peerId)).toBe(oracle.has(clientId(peerId)));
            if (set.hasClientOf(peerId)) found++;
          }
        }
      }
    }
    expect(found).toBe(2 * oracle.size);
  });
});
