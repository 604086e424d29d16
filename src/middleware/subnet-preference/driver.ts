/**
 * `subnet preference`: gives peers first that are near the announcer: those that share the longest prefix with
 * it, or those of its own group, such as a rack, and of the groups around that one, such as a hall.
 *
 * The hook says which; finding them is the store's part, see `src/bittorrent/peer-preference.ts`.
 */

import type { z } from 'zod';
import { AddressFamily } from '../../bittorrent/address-family.ts';
import type { AnnounceRequest } from '../../bittorrent/announce.ts';
import type { RequestContext } from '../../bittorrent/context.ts';
import type { PeerPreference } from '../../bittorrent/peer-preference.ts';
import { defineHook, type Hook } from '../middleware.ts';
import { options } from './config.ts';
import { GroupMap } from './group-map.ts';
import { Ipv4Prefixes } from './ipv4-prefixes.ts';
import { Ipv6Prefixes } from './ipv6-prefixes.ts';

/** What there is for announcers of one family. */
interface FamilyPreference {
  readonly groups: GroupMap;
  /** For those that are in no group. */
  readonly prefixes: PeerPreference | undefined;
}

class SubnetPreference implements Hook {
  readonly #ipv4: FamilyPreference;
  readonly #ipv6: FamilyPreference;

  constructor({ ipv4_prefixes, ipv6_prefixes, groups }: z.output<typeof options>) {
    this.#ipv4 = {
      groups: new GroupMap(groups, AddressFamily.IPv4),
      prefixes: ipv4_prefixes.length > 0 ? new Ipv4Prefixes(ipv4_prefixes) : undefined,
    };
    this.#ipv6 = {
      groups: new GroupMap(groups, AddressFamily.IPv6),
      prefixes: ipv6_prefixes.length > 0 ? new Ipv6Prefixes(ipv6_prefixes) : undefined,
    };
  }

  handleAnnounce(context: RequestContext, request: AnnounceRequest): void {
    const { peer } = request;
    const { groups, prefixes } = peer.family === AddressFamily.IPv4 ? this.#ipv4 : this.#ipv6;
    const preference = groups.preferenceOf(peer) ?? prefixes;
    if (preference !== undefined) context.peerPreference = preference;
  }

  /** A scrape has no peers. */
  handleScrape(): void {}
}

export const subnetPreferenceDriver = defineHook({
  name: 'subnet preference',
  summary: 'Gives announcers the peers near them first: on their own subnet, or in their own rack or site.',
  options,
  create: (config) => new SubnetPreference(config),
});
