/**
 * The names of the keys. `F` is `IPv4` or `IPv6`, `H` an infohash as 40 lower-case digits; a prefix, where one
 * is configured, stands before each.
 *
 *     F_S_H, F_L_H              hashes: seeders, leechers ┐
 *     F                         hash: the index of those  │ the original's, byte for byte
 *     F_infohash_count          seeder swarms in F        │
 *     F_S_count, F_L_count      seeders, leechers         ┘
 *     F_swarm_count             swarms with at least one peer                       ┐
 *     F_snatches                hash: H → snatches, and when the last peer had left │ ours
 *     F_collection              hash: what a collection under way has counted       │
 *     F_collector               who collects, or that somebody has                  ┘
 *
 * On one server there is one group of these for each family. A script in a cluster reaches keys of one slot only,
 * and counters must change together with what they count: so there are 256 groups, by the first two digits of H,
 * which are also the hash tag before each of their keys: `{3f}IPv4_S_3f…`. See docs/storage/redis.md.
 */

import { AddressFamily, familyName } from '../../bittorrent/address-family.ts';
import type { Infohash } from '../../bittorrent/infohash.ts';
import { INFOHASH_LENGTH } from '../../bittorrent/peer.ts';
import { latin1 } from '../../pkg/bytes.ts';

const INFOHASH_DIGITS = 40;
const CLUSTER_GROUPS = 256;

/** The keys of the swarms of one family that lie in one place. Its scripts take `common`, then the keys of swarms. */
export class KeyGroup {
  readonly index: string;
  readonly infohashCount: string;
  readonly seederCount: string;
  readonly leecherCount: string;
  readonly swarmCount: string;
  readonly snatches: string;
  readonly collection: string;
  readonly collector: string;
  /** What scripts expect as their first seven keys, in this order. */
  readonly common: readonly string[];

  /** @param start prefix and hash tag */
  constructor(start: string, family: AddressFamily) {
    this.index = start + familyName(family);
    this.infohashCount = `${this.index}_infohash_count`;
    this.seederCount = `${this.index}_S_count`;
    this.leecherCount = `${this.index}_L_count`;
    this.swarmCount = `${this.index}_swarm_count`;
    this.snatches = `${this.index}_snatches`;
    this.collection = `${this.index}_collection`;
    this.collector = `${this.index}_collector`;
    this.common = [
      this.index,
      this.infohashCount,
      this.seederCount,
      this.leecherCount,
      this.swarmCount,
      this.snatches,
      this.collection,
    ];
  }

  seeders(hex: string): string {
    return `${this.index}_S_${hex}`;
  }

  leechers(hex: string): string {
    return `${this.index}_L_${hex}`;
  }

  /** The infohash of a field of the index; `undefined` for what is no swarm's key. */
  infohashOf(field: string): string | undefined {
    const hex = field.slice(-INFOHASH_DIGITS);
    return field === this.seeders(hex) || field === this.leechers(hex) ? hex : undefined;
  }
}

export class Keyspace {
  /** Of both families. */
  readonly groups: readonly KeyGroup[];
  readonly #ipv4: readonly KeyGroup[];
  readonly #ipv6: readonly KeyGroup[];

  constructor(prefix: string, cluster: boolean) {
    const starts = cluster
      ? Array.from({ length: CLUSTER_GROUPS }, (_, n) => `${prefix}{${n.toString(16).padStart(2, '0')}}`)
      : [prefix];
    this.#ipv4 = starts.map((start) => new KeyGroup(start, AddressFamily.IPv4));
    this.#ipv6 = starts.map((start) => new KeyGroup(start, AddressFamily.IPv6));
    this.groups = [...this.#ipv4, ...this.#ipv6];
  }

  groupOf(infohash: Infohash, family: AddressFamily): KeyGroup {
    const groups = family === AddressFamily.IPv4 ? this.#ipv4 : this.#ipv6;
    return groups[groups.length === 1 ? 0 : (infohash.bytes[0] as number)] as KeyGroup;
  }
}

/** A swarm's name in this process. */
export function swarmName(infohash: Infohash, family: AddressFamily): string {
  return family + latin1(infohash.bytes, 0, INFOHASH_LENGTH);
}
