/** Requests as frontends hand them to the logic, from a few readable fields. */

import { createHash } from 'node:crypto';
import { AnnounceRequest, AnnounceResponse } from '../../src/bittorrent/announce.ts';
import { AnnounceEvent } from '../../src/bittorrent/event.ts';
import { Infohash } from '../../src/bittorrent/infohash.ts';
import { PeerList } from '../../src/bittorrent/peer-list.ts';
import { ScrapeRequest } from '../../src/bittorrent/scrape.ts';
import { parseIp } from '../../src/pkg/ip-address.ts';

export interface AnnounceFields {
  readonly infohash: Infohash;
  /** 20 bytes of latin1. */
  readonly peerId: string;
  readonly address: string;
  readonly port: number;
  readonly event: AnnounceEvent;
  readonly left: number;
  readonly numwant: number;
}

/** The infohash of nothing in particular: SHA-1 of `seed`. */
export function someInfohash(seed: string | number): Infohash {
  return Infohash.fromHex(createHash('sha1').update(String(seed)).digest('hex'));
}

/** A peer id as a client makes it: `prefix`, then random-looking digits from `seed`. */
export function somePeerId(seed: string | number, prefix = '-TR4050-'): string {
  return (prefix + createHash('sha1').update(`peer ${seed}`).digest('hex')).slice(0, 20);
}

/** An announce of a leecher that wants 50 peers, but for the fields given. Fills `into` if there is one. */
export function announce(
  fields: Partial<AnnounceFields> = {},
  into = new AnnounceRequest(),
): AnnounceRequest {
  into.infohash.set((fields.infohash ?? someInfohash(0)).bytes, 0);
  into.peer.setId(Buffer.from(fields.peerId ?? somePeerId(0), 'latin1'), 0);
  const address = parseIp(fields.address ?? '192.0.2.1');
  if (!address) throw new RangeError(`not an address: ${fields.address}`);
  into.peer.setAddress(address, 0, address.length);
  into.peer.port = fields.port ?? 6881;
  into.event = fields.event ?? AnnounceEvent.None;
  into.eventProvided = fields.event !== undefined;
  into.setLeft(0, fields.left ?? 1000);
  into.numwant = fields.numwant ?? 50;
  into.numwantProvided = true;
  return into;
}

/** An empty response that fits `request`. */
export function responseTo(request: AnnounceRequest, capacity = 100): AnnounceResponse {
  const response = new AnnounceResponse(new PeerList(capacity));
  response.reset(request.peer.family);
  return response;
}

export function scrape(infohashes: readonly Infohash[], into = new ScrapeRequest()): ScrapeRequest {
  into.truncate(0);
  for (const infohash of infohashes) into.add(infohash.bytes, 0);
  return into;
}

/** The peers of a response as `address:port`, in its order. */
export function peersOf(response: AnnounceResponse): string[] {
  return [...response.peers].map(({ address, port }) =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
  );
}
