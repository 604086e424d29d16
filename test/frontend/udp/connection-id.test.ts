import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionIds } from '../../../src/frontend/udp/connection-id.ts';
import { announce } from '../../support/requests.ts';

const NOW = 1_800_000_000;
const four = announce({ address: '192.0.2.1' }).peer;
const six = announce({ address: '2001:db8::1' }).peer;

function issue(ids: ConnectionIds, peer = four, now = NOW): Uint8Array {
  const id = new Uint8Array(8);
  ids.write(id, 0, peer, now);
  return id;
}

describe('connection ids', () => {
  const ids = new ConnectionIds('secret', 10_000);

  it('begin with the time, and are good for two minutes and the clock skew', () => {
    for (const peer of [four, six]) {
      const id = issue(ids, peer);
      expect(Buffer.from(id).readUInt32BE(0)).toBe(NOW);
      expect(ids.accepts(id, 0, peer, NOW)).toBe(true);
      expect(ids.accepts(id, 0, peer, NOW + 120)).toBe(true);
      expect(ids.accepts(id, 0, peer, NOW + 121)).toBe(false);
      expect(ids.accepts(id, 0, peer, NOW - 10)).toBe(true);
      expect(ids.accepts(id, 0, peer, NOW - 11)).toBe(false);
    }
  });

  it('of the key before are accepted for a time, and no others are made', () => {
    const before = new ConnectionIds('before', 10_000);
    const now = new ConnectionIds('secret', 10_000, { ids: before, until: NOW + 100 });
    const id = issue(before);
    expect(now.accepts(id, 0, four, NOW + 100)).toBe(true);
    expect(now.accepts(id, 0, four, NOW + 101)).toBe(false);
    expect(now.accepts(issue(before, four, NOW - 120), 0, four, NOW + 1)).toBe(false);
    expect(issue(now)).toEqual(issue(ids));
    expect(ids.accepts(id, 0, four, NOW)).toBe(false);
  });

  it('are for one address', () => {
    expect(ids.accepts(issue(ids, four), 0, announce({ address: '192.0.2.2' }).peer, NOW)).toBe(false);
    expect(ids.accepts(issue(ids, four), 0, six, NOW)).toBe(false);
    expect(ids.accepts(issue(ids, six), 0, announce({ address: '2001:db8:1::1' }).peer, NOW)).toBe(false);
    // The port may change: NATs do that.
    expect(ids.accepts(issue(ids, four), 0, announce({ address: '192.0.2.1', port: 9 }).peer, NOW)).toBe(
      true,
    );
  });

  it('are shared by trackers with one key, and by no others', () => {
    expect(new ConnectionIds('secret', 0).accepts(issue(ids), 0, four, NOW)).toBe(true);
    expect(new ConnectionIds('Secret', 0).accepts(issue(ids), 0, four, NOW)).toBe(false);
  });

  it('do not depend on which was made or looked at before', () => {
    // A few of each, so that the same ones often come again.
    const addresses = ['192.0.2.1', '192.0.2.2', '2001:db8::1', 'c000:201::', 'c000:201::1'];
    const peers = addresses.map((address) => announce({ address }).peer);
    const step = fc.record({ peer: fc.constantFrom(...peers), now: fc.constantFrom(NOW, NOW + 1, 0) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const used = new ConnectionIds('secret', 10_000);
        for (const { peer, now } of steps) {
          expect(issue(used, peer, now)).toEqual(issue(new ConnectionIds('secret', 0), peer, now));
        }
      }),
    );
  });

  it('cannot be changed in a single bit', () => {
    fc.assert(
      fc.property(fc.nat({ max: 63 }), (bit) => {
        const id = issue(ids);
        id[bit >> 3] = (id[bit >> 3] as number) ^ (1 << (bit & 7));
        return !ids.accepts(id, 0, four, NOW);
      }),
    );
  });

  it('are the same in every release: rolling upgrades keep clients connected', () => {
    expect(Buffer.from(issue(ids, four)).toString('hex')).toMatchInlineSnapshot(`"6b49d2000d71305c"`);
    expect(Buffer.from(issue(ids, six)).toString('hex')).toMatchInlineSnapshot(`"6b49d200d81b30d6"`);
  });
});
