/** Everything that a Redis server holds, as plain data with strings of latin1. */

import type { RedisServer } from './redis-server.ts';
import type { Reply } from './resp-client.ts';

export type Dump = Record<string, string | Record<string, string>>;

export async function dump(server: RedisServer): Promise<Dump> {
  const keys = ((await server.command('KEYS', '*')) as Buffer[]).map((key) => key.toString('latin1')).sort();
  const result: Dump = {};
  for (const key of keys) {
    const type = await server.text('TYPE', key);
    if (type === 'hash') result[key] = pairs(await server.command('HGETALL', key));
    // A key may expire while this looks around.
    else if (type === 'string') result[key] = String(await server.command('GET', key));
  }
  return result;
}

/** What counters ought to be, found by looking at everything; the keys of one group, without a prefix. */
export function countersOf(all: Dump, family: 'IPv4' | 'IPv6', start = ''): Record<string, number> {
  const index = start + family;
  const fields = (key: string) => Object.keys((all[key] as Record<string, string> | undefined) ?? {}).length;
  const hashes = Object.keys(all).filter(
    (key) => /_[SL]_[0-9a-f]{40}$/.test(key) && key.startsWith(`${index}_`),
  );
  const sum = (side: string) =>
    hashes
      .filter((key) => key.startsWith(`${index}_${side}_`))
      .reduce((total, key) => total + fields(key), 0);
  return {
    seeders: sum('S'),
    leechers: sum('L'),
    infohashes: Object.keys((all[index] as Record<string, string> | undefined) ?? {}).filter((key) =>
      key.startsWith(`${index}_S_`),
    ).length,
    swarms: new Set(hashes.map((key) => key.slice(-40))).size,
  };
}

/** What they are. */
export function countersIn(all: Dump, family: 'IPv4' | 'IPv6', start = ''): Record<string, number> {
  const value = (name: string) => Number(all[`${start}${family}_${name}`] ?? 0);
  return {
    seeders: value('S_count'),
    leechers: value('L_count'),
    infohashes: value('infohash_count'),
    swarms: value('swarm_count'),
  };
}

function pairs(reply: Reply): Record<string, string> {
  const list = (reply as Buffer[]).map((each) => each.toString('latin1'));
  return Object.fromEntries(
    list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] as string]] : [])).sort(),
  );
}
