/** Calls on a peer store, in the short form that tests want them in. */

import { AddressFamily } from '../../src/bittorrent/address-family.ts';
import type { Infohash } from '../../src/bittorrent/infohash.ts';
import type { Peer } from '../../src/bittorrent/peer.ts';
import type { PeerPreference } from '../../src/bittorrent/peer-preference.ts';
import { SwarmCounts } from '../../src/bittorrent/scrape.ts';
import type { PeerStore } from '../../src/storage/storage.ts';
import { announce, responseTo, somePeerId } from './requests.ts';

/** Peer `n`: an address and a port of its own in either family. */
export function peer(n: number, family: AddressFamily = AddressFamily.IPv4): Peer {
  const address =
    family === AddressFamily.IPv4
      ? `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
      : `2001:db8::${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}`;
  return announce({ peerId: somePeerId(n), address, port: 1024 + (n % 60000) }).peer;
}

interface Offer {
  readonly complete: number;
  readonly incomplete: number;
  /** `address:port` of each peer, in the order given. */
  readonly peers: string[];
  readonly member: boolean;
}

export async function offer(
  store: PeerStore,
  infohash: Infohash,
  announcer: Peer,
  seeder: boolean,
  numwant = 50,
  preference?: PeerPreference,
): Promise<Offer> {
  const request = announce({});
  request.peer.bytes.set(announcer.bytes);
  request.peer.family = announcer.family;
  const response = responseTo(request, 5000);
  const member = await store.announcePeers(infohash, request.peer, seeder, numwant, response, preference);
  const peers = [...response.peers].map(({ address, port }) => `${address}:${port}`);
  return { complete: response.complete, incomplete: response.incomplete, peers, member };
}

export async function scrape(
  store: PeerStore,
  infohash: Infohash,
  family: AddressFamily = AddressFamily.IPv4,
): Promise<[complete: number, incomplete: number, snatches: number]> {
  const counts = new SwarmCounts();
  await store.scrapeSwarm(infohash, family, counts);
  return [counts.complete, counts.incomplete, counts.snatches];
}

export function name(of: Peer): string {
  return `${of.address}:${of.port}`;
}
