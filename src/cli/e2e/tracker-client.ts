/** What the end-to-end test asks of a tracker, whatever the protocol. */

import { formatIp } from '../../pkg/ip-address.ts';

export interface Announcement {
  /** 20 bytes. */
  readonly infohash: Buffer;
  /** 20 bytes. */
  readonly peerId: Buffer;
  readonly port: number;
  readonly event: 'none' | 'started' | 'stopped';
  /** Whether to ask for the compact form; UDP knows no other. */
  readonly compact: boolean;
}

export interface GivenPeer {
  readonly address: string;
  readonly port: number;
  /** Only in the form that is not compact. */
  readonly id?: Buffer;
}

export interface Counts {
  readonly complete: number;
  readonly incomplete: number;
}

/** One tracker at one address. */
export interface TrackerClient {
  announce(announcement: Announcement): Promise<Counts & { readonly peers: readonly GivenPeer[] }>;
  /** `undefined` if this tracker's scrape address cannot be derived. */
  scrape(infohash: Buffer): Promise<Counts | undefined>;
  /** Whether there is a form of answer that is not compact. */
  readonly knowsFullForm: boolean;
}

/** The tracker cannot be reached at this address: nothing is known of what it would have said. */
export class UnreachableError extends Error {}

/** Bytes still to download, of every peer of the test: leechers. */
export const LEFT = 100;

/** Peers in compact form (BEP 23, BEP 7). */
export function compactPeers(bytes: Buffer, family: 4 | 6): GivenPeer[] {
  const addressLength = family === 4 ? 4 : 16;
  const peers: GivenPeer[] = [];
  if (bytes.length % (addressLength + 2) !== 0) {
    throw new Error(`expected whole peers of ${addressLength + 2} bytes, found ${bytes.length} bytes`);
  }
  for (let at = 0; at < bytes.length; at += addressLength + 2) {
    peers.push({
      address: formatIp(bytes, at, addressLength),
      port: bytes.readUInt16BE(at + addressLength),
    });
  }
  return peers;
}
