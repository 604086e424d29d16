/** Peers and infohashes by number: the same number always gives the same bytes, another number others. */

import type { Infohash } from '../../src/bittorrent/infohash.ts';
import { Peer } from '../../src/bittorrent/peer.ts';
import { writeUint32 } from '../../src/pkg/bytes.ts';
import type { PeerStore } from '../../src/storage/storage.ts';

const CLIENT = Buffer.from('-BN0100-');
const IPV4 = new Uint8Array(4);
const IPV6 = new Uint8Array(16);
IPV6.set([0x20, 0x01, 0x0d, 0xb8]);

/** Odd factors, so that no two numbers below 2^32 share a word. */
const FACTORS = Int32Array.of(0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1);

export function setInfohash(infohash: Infohash, number: number): void {
  for (let i = 0; i < FACTORS.length; i++)
    infohash.words[i] = Math.imul(number + 1, FACTORS[i] as number) ^ (i << 8);
}

/** Writes the 4 bytes of the address of peer `number`: 10.x.y.z, one each for the first 2^24. */
export function writeIpv4(target: Uint8Array, offset: number, number: number): void {
  writeUint32(target, offset, 0x0a000000 | (number & 0xffffff));
}

/** 1 to 65535. */
export function portOf(number: number): number {
  return 1 + (number % 65535);
}

/** The 20 bytes of a peer id. */
export function writePeerId(target: Uint8Array, offset: number, number: number): void {
  target.set(CLIENT, offset);
  for (let word = 0; word < 3; word++)
    writeUint32(target, offset + 8 + 4 * word, Math.imul(number + 1, FACTORS[word] as number));
}

export function setPeer(peer: Peer, number: number): void {
  writeIpv4(IPV4, 0, number);
  peer.setAddress(IPV4, 0, 4);
  setIdAndPort(peer, number);
}

/** The same as an IPv6 peer, in 2001:db8::/32. */
export function setPeerV6(peer: Peer, number: number): void {
  writeUint32(IPV6, 12, number);
  peer.setAddress(IPV6, 0, 16);
  setIdAndPort(peer, number);
}

function setIdAndPort(peer: Peer, number: number): void {
  writePeerId(peer.bytes, 0, number);
  peer.port = portOf(number);
}

/** Puts the peers `[from, to)` into a swarm, those with an even number as seeders. */
export function fillSwarm(store: PeerStore, infohash: Infohash, from: number, to: number): void {
  const peer = new Peer();
  for (let number = from; number < to; number++) {
    setPeer(peer, number);
    if (number % 2 === 0) store.putSeeder(infohash, peer);
    else store.putLeecher(infohash, peer);
  }
}
