/**
 * Refuses peers from some networks. The configuration that goes with it:
 *
 *     npm start -- --config examples/ban-list.yaml
 */

import { BlockList } from 'node:net';
import { AddressFamily, ClientError, defineHook, z } from 'chihaya';

const banned = new ClientError('banned');

const range = z.union([z.cidrv4(), z.cidrv6()], {
  error: ({ input }) =>
    `expected a range such as 192.0.2.0/24 or 2001:db8::/32, found ${JSON.stringify(input)}`,
});

export default defineHook({
  name: 'ban list',
  options: z.strictObject({ ranges: z.array(range) }),
  create({ ranges }) {
    // Looked through from its start at each announce: good for hundreds of ranges, not for hundreds of thousands.
    const list = new BlockList();
    for (const each of ranges) {
      const [network, prefix] = each.split('/');
      list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
    }
    return {
      handleAnnounce(_context, { peer }) {
        if (list.check(peer.address, peer.family === AddressFamily.IPv6 ? 'ipv6' : 'ipv4')) throw banned;
      },
      /** A scrape tells numbers, and no peer's address. */
      handleScrape() {},
    };
  },
});
