/**
 * The part that all scripts have in common which change swarms: fields and what counts them change together.
 *
 * A collection under way counts all swarms anew while they go on changing (collector.ts). It goes through them in
 * the order of their infohashes and keeps its sums in the hash F_collection: under 'border' the last infohash it has
 * counted, under a counter's number that counter's sum, and under the infohashes of swarms that came up since it has
 * listed them nothing. Whoever changes a swarm that is counted already adds the change to the sum, too. So the sums
 * are exact at every moment for the swarms counted so far, and at the end for all.
 */

export const counting = `
local INDEX, INFOHASHES, SEEDERS, LEECHERS, SWARMS, SNATCHES, COLLECTION = 1, 2, 3, 4, 5, 6, 7
local hashes, infohash, counted, length, changes

-- The swarm that the functions below speak of, until leave().
local function enter(seeders, leechers, name)
  hashes = { seeders, leechers }
  infohash, counted, changes = name, nil, { 0, 0, 0, 0, 0 }
  length = redis.call('HLEN', seeders) + redis.call('HLEN', leechers)
end

local function isCounted()
  if counted == nil then
    local border = redis.call('HGET', KEYS[COLLECTION], 'border')
    counted = border and (infohash <= border or redis.call('HEXISTS', KEYS[COLLECTION], infohash) == 1)
  end
  return counted
end

local function add(counter, by) changes[counter] = changes[counter] + by end

local function counterOf(side) return side == 1 and SEEDERS or LEECHERS end

local function leave()
  for counter = INFOHASHES, SWARMS do
    local by = changes[counter]
    if by ~= 0 then
      redis.call('INCRBY', KEYS[counter], by)
      if isCounted() then redis.call('HINCRBY', KEYS[COLLECTION], counter, by) end
    end
  end
end

-- The time at which a side was last announced to, in the index.
local function note(side, now)
  if redis.call('HSET', KEYS[INDEX], hashes[side], now) == 0 then return end
  if redis.call('EXISTS', KEYS[COLLECTION]) == 1 and redis.call('HEXISTS', KEYS[INDEX], hashes[3 - side]) == 0 then
    redis.call('HSET', KEYS[COLLECTION], infohash, '')
  end
  if side == 1 then add(INFOHASHES, 1) end
end

-- F_snatches: a number; of a swarm without peers also since when: 12@1767225600000000000
local function snatches() return redis.call('HGET', KEYS[SNATCHES], infohash) end

local function filled()
  add(SWARMS, 1)
  local known = snatches()
  if known then redis.call('HSET', KEYS[SNATCHES], infohash, string.match(known, '^%d+')) end
end

local function emptied(now)
  add(SWARMS, -1)
  local known = snatches()
  if known then redis.call('HSET', KEYS[SNATCHES], infohash, string.match(known, '^%d+') .. '@' .. now) end
end

local function remove(side, field, now)
  if redis.call('HDEL', hashes[side], field) == 0 then return 0 end
  add(counterOf(side), -1)
  length = length - 1
  if length == 0 then emptied(now) end
  return 1
end

-- Times are decimal, and longer than a number of Lua is exact.
local function before(time, limit) return #time < #limit or (#time == #limit and time < limit) end
`;
