/**
 * What a scrape tells of a swarm.
 *
 *     KEYS   seeders, leechers, KeyGroup.snatches
 *     ARGV   infohash
 *     reply  the three counts
 */

import { Script } from './script.ts';

export const scrapeScript = new Script(`
local snatches = redis.call('HGET', KEYS[3], ARGV[1])
return {
  redis.call('HLEN', KEYS[1]),
  redis.call('HLEN', KEYS[2]),
  snatches and tonumber(string.match(snatches, '^%d+')) or 0,
}
`);
