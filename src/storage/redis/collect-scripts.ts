/**
 * The steps of a collection (collector.ts). Each checks first that it is still this collector's turn, and then
 * renews it; the reply is nil if another has taken over. They run when Redis is full, too: they make room.
 */

import { counting } from './counting.ts';
import { Script } from './script.ts';

const turn = `
local function myTurn(key, token, milliseconds)
  if redis.call('GET', key) ~= token then return false end
  redis.call('PEXPIRE', key, milliseconds)
  return true
end
`;

/** What `beginScript` replies. */
export const Begin = { Mine: 1, Anothers: 0, Done: 2, Nothing: 3 } as const;

/**
 * Takes the turn, and starts counting at zero.
 *
 *     KEYS   KeyGroup.common, collector
 *     ARGV   token, milliseconds, '1' to collect even if another has done so lately
 *     reply  see Begin
 */
export const beginScript = new Script(`#!lua flags=allow-oom
local holder = redis.call('GET', KEYS[8])
if holder == 'done' and ARGV[3] ~= '1' then return 2 end
if holder and holder ~= 'done' then return 0 end
if redis.call('EXISTS', unpack(KEYS, 1, 6)) == 0 then return 3 end
redis.call('SET', KEYS[8], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[7])
redis.call('HSET', KEYS[7], 'border', '', 2, 0, 3, 0, 4, 0, 5, 0)
redis.call('PEXPIRE', KEYS[7], ARGV[2])
return 1
`);

/**
 * Collects and counts swarms, in the order of their infohashes, until it has looked at enough peers. Sides too large
 * to be looked at in one step are left to `sweepScript`, and counted as they are.
 *
 *     KEYS   KeyGroup.common, collector, then for each swarm: seeders, leechers
 *     ARGV   token, milliseconds, cutoff, time, largest side, enough peers, then the infohashes
 *     reply  how many swarms were done, and their large sides: 2 · swarm (from 0) + side
 */
export const sliceScript = new Script(`#!lua flags=allow-oom
${counting}${turn}
if not myTurn(KEYS[8], ARGV[1], ARGV[2]) then return false end
redis.call('PEXPIRE', KEYS[COLLECTION], ARGV[2])
local cutoff, now, largest, enough = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local done, seen, large = 0, 0, {}

local function collect(side)
  local members = redis.call('HLEN', hashes[side])
  if members > largest then
    large[#large + 1] = 2 * done + side
    return members
  end
  local entries = members > 0 and redis.call('HGETALL', hashes[side]) or {}
  for i = 1, #entries, 2 do
    if before(entries[i + 1], cutoff) then members = members - remove(side, entries[i], now) end
  end
  if members == 0 and redis.call('HDEL', KEYS[INDEX], hashes[side]) == 1 and side == 1 then add(INFOHASHES, -1) end
  seen = seen + #entries / 2 + 1
  return members
end

while done < #ARGV - 6 and seen < enough do
  enter(KEYS[9 + 2 * done], KEYS[10 + 2 * done], ARGV[7 + done])
  local seeders, leechers = collect(1), collect(2)
  if not isCounted() then
    redis.call('HINCRBY', KEYS[COLLECTION], SEEDERS, seeders)
    redis.call('HINCRBY', KEYS[COLLECTION], LEECHERS, leechers)
    redis.call('HINCRBY', KEYS[COLLECTION], SWARMS, seeders + leechers > 0 and 1 or 0)
    redis.call('HINCRBY', KEYS[COLLECTION], INFOHASHES, redis.call('HEXISTS', KEYS[INDEX], hashes[1]))
  end
  leave()
  done = done + 1
end
if done > 0 then redis.call('HSET', KEYS[COLLECTION], 'border', infohash) end
large[#large + 1] = done
return large
`);

/**
 * Collects some peers of a large side.
 *
 *     KEYS   KeyGroup.common, collector, seeders, leechers
 *     ARGV   token, milliseconds, cutoff, time, infohash, side (1 seeders, 2 leechers), cursor, peers a step
 *     reply  the next cursor; '0' at the end
 */
export const sweepScript = new Script(`#!lua flags=allow-oom
${counting}${turn}
if not myTurn(KEYS[8], ARGV[1], ARGV[2]) then return false end
redis.call('PEXPIRE', KEYS[COLLECTION], ARGV[2])
local cutoff, now, side = ARGV[3], ARGV[4], tonumber(ARGV[6])
enter(KEYS[9], KEYS[10], ARGV[5])
local reply = redis.call('HSCAN', hashes[side], ARGV[7], 'COUNT', ARGV[8])
local entries = reply[2]
for i = 1, #entries, 2 do
  if before(entries[i + 1], cutoff) then remove(side, entries[i], now) end
end
leave()
return reply[1]
`);

/**
 * Forgets the snatches of swarms that have had no peers since before the cutoff.
 *
 *     KEYS   KeyGroup.common, collector, then for each swarm: seeders, leechers
 *     ARGV   token, milliseconds, cutoff, time, then the infohashes
 *     reply  1
 */
export const forgetScript = new Script(`#!lua flags=allow-oom
${counting}${turn}
if not myTurn(KEYS[8], ARGV[1], ARGV[2]) then return false end
local cutoff, now = ARGV[3], ARGV[4]
for i = 5, #ARGV do
  enter(KEYS[2 * i - 1], KEYS[2 * i], ARGV[i])
  local known = snatches()
  local since = known and string.match(known, '@(%d+)$')
  if known and length == 0 then
    -- Without a time, an original has deleted the last peer.
    if not since then redis.call('HSET', KEYS[SNATCHES], infohash, known .. '@' .. now)
    elseif before(since, cutoff) then redis.call('HDEL', KEYS[SNATCHES], infohash) end
  elseif since then
    redis.call('HSET', KEYS[SNATCHES], infohash, string.match(known, '^%d+'))
  end
end
return 1
`);

/**
 * Sets the counters to what was counted, and ends the turn.
 *
 *     KEYS   KeyGroup.common, collector
 *     ARGV   token, milliseconds, milliseconds for which nobody needs to collect again, '0' for none
 *     reply  by how much the counters were wrong, all together
 */
export const finishScript = new Script(`#!lua flags=allow-oom
${turn}
if not myTurn(KEYS[8], ARGV[1], ARGV[2]) then return false end
local drift = 0
if redis.call('EXISTS', KEYS[7]) == 1 then
  for counter = 2, 5 do
    local sum = tonumber(redis.call('HGET', KEYS[7], counter))
    local was = tonumber(redis.call('GET', KEYS[counter]) or '') or 0
    if sum ~= was then
      redis.call('SET', KEYS[counter], sum)
      drift = drift + math.abs(sum - was)
    end
  end
end
redis.call('DEL', KEYS[7], KEYS[8])
if ARGV[3] ~= '0' then redis.call('SET', KEYS[8], 'done', 'PX', ARGV[3]) end
return drift
`);
