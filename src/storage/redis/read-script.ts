/**
 * What an announce reads, in one step: the counts, whether the announcer is known, and peers for it.
 *
 * The cost depends on how many peers are wanted and not on the swarm: HRANDFIELD draws as many fields as are asked
 * for, all different. Of a hash that is not three times as large it would copy the whole first; then all of it is
 * taken, and the choice is made here. Fields that cannot be a peer of this family are left out.
 *
 *     KEYS   seeders, leechers
 *     ARGV   the announcer's field, '1' for a seeder, how many peers are wanted, a random number, and, if as many
 *            leechers are wanted however many seeders there are, how many
 *     reply  | seeders (4) | leechers (4) | seeders among the fields (4) | known (1) | fields |    network order
 */

import { Script } from './script.ts';

/** Where things are in a reply. */
export const REPLY_LEECHERS = 4;
export const REPLY_SEEDERS_GIVEN = 8;
export const REPLY_KNOWN = 12;
export const REPLY_FIELDS = 13;

export const readScript = new Script(`
local me = ARGV[1]
local wanted = tonumber(ARGV[3])
local seeders, leechers = redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[2])
local seeding = seeders > 0 and redis.call('HEXISTS', KEYS[1], me) == 1
local leeching = leechers > 0 and redis.call('HEXISTS', KEYS[2], me) == 1
local peers, given = {}, 0

local function draw(key, size, member)
  local left = math.min(wanted - #peers, member and size - 1 or size)
  if left <= 0 then return end
  local count = member and left + 1 or left
  if size <= 3 * count then count = size end
  local drawn = redis.call('HRANDFIELD', key, count)
  local last = #drawn
  for i = 1, last do
    if left == 0 then return end
    if last - i + 1 > left then
      local j = math.random(i, last)
      drawn[i], drawn[j] = drawn[j], drawn[i]
    end
    local field = drawn[i]
    if field ~= me and #field == #me then
      peers[#peers + 1] = field
      left = left - 1
    end
  end
end

if wanted > 0 then
  math.randomseed(ARGV[4])
  if ARGV[2] ~= '1' then draw(KEYS[1], seeders, seeding) end
  given = #peers
  if ARGV[5] then wanted = given + tonumber(ARGV[5]) end
  draw(KEYS[2], leechers, leeching)
end
local known = (seeding or leeching) and 1 or 0
return struct.pack('>I4I4I4B', seeders, leechers, given, known) .. table.concat(peers)
`);
