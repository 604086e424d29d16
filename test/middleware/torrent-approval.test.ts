import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { RequestContext } from '../../src/bittorrent/context.ts';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import type { Hook } from '../../src/middleware/middleware.ts';
import { torrentApprovalDriver, unapprovedTorrent } from '../../src/middleware/torrent-approval/driver.ts';
import { describeHook } from '../conformance/hook.ts';
import { openHook } from '../support/open-hook.ts';
import { announce, responseTo, someInfohash } from '../support/requests.ts';

const A = someInfohash(1).hex;
const B = someInfohash(2).hex;

describeHook(torrentApprovalDriver, {
  valid: [{ whitelist: [A, B.toUpperCase()] }, { blacklist: [A] }, {}, { whitelist: [], blacklist: [] }],
  invalid: [
    { options: { whitelist: [A], blacklist: [B] }, path: 'blacklist', message: 'found both' },
    { options: { whitelist: [A.slice(1)] }, path: 'whitelist.0', message: /40 hexadecimal digits.*found "/ },
    { options: { blacklist: [A, `${B}0`] }, path: 'blacklist.1', message: '40 hexadecimal digits' },
    { options: { blacklist: [`${A.slice(1)}g`] }, path: 'blacklist.0', message: '40 hexadecimal digits' },
    { options: { blacklist: [`${A}\n`] }, path: 'blacklist.0', message: '40 hexadecimal digits' },
    // Unquoted digits are a number to YAML.
    { options: { whitelist: [1e39] }, path: 'whitelist.0', message: /in quotes.*found 1e\+39/ },
    { options: { whitelist: { [A]: true } }, path: 'whitelist', message: 'expected a list' },
  ],
});

describe('torrent approval', () => {
  const create = async (options: z.input<typeof torrentApprovalDriver.options>): Promise<Hook> =>
    (await openHook(torrentApprovalDriver, options)).hook;
  const approves = (hook: Hook, hex: string): boolean => {
    const request = announce({ infohash: Infohash.fromHex(hex) });
    try {
      hook.handleAnnounce(new RequestContext(), request, responseTo(request));
      return true;
    } catch (error) {
      expect(error).toBe(unapprovedTorrent);
      return false;
    }
  };

  it('tells the client why', () => {
    expect(unapprovedTorrent.message).toBe('unapproved torrent');
  });

  it('serves what is on the whitelist and nothing else', async () => {
    const hook = await create({ whitelist: [A.toUpperCase()] });
    expect([A, B, '0'.repeat(40)].map((hex) => approves(hook, hex))).toEqual([true, false, false]);
  });

  it('refuses what is on the blacklist and nothing else', async () => {
    const hook = await create({ blacklist: ['0'.repeat(40), A] });
    expect([A, B, '0'.repeat(40)].map((hex) => approves(hook, hex))).toEqual([false, true, false]);
  });

  it.each([[{}], [{ whitelist: [] }], [{ blacklist: [] }]])(
    'approves everything with %j',
    async (options) => {
      expect(approves(await create(options), A)).toBe(true);
    },
  );
});
