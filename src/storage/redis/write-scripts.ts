/**
 * What announces write to one swarm, in one step each. An entry is a letter and a peer's field.
 *
 * A full Redis refuses to take in peers, and goes on to let them go. So there are two scripts: Redis judges a script by its
 * flags before it begins, and none stops half way.
 */

import { counting } from './counting.ts';
import { Script } from './script.ts';

/** The letters of entries. */
export const Entry = { Seeder: 0x73, Leecher: 0x6c, Graduate: 0x67 } as const;

export type Entry = (typeof Entry)[keyof typeof Entry];

/**
 * Puts peers into the swarm. Of a peer that comes more than once the last side counts, and that it graduated.
 *
 *     KEYS   KeyGroup.common, seeders, leechers
 *     ARGV   infohash, time, then entries: s a seeder, l a leecher, g a leecher that graduates
 *     reply  nil
 */
export const putScript = new Script(`${counting}
local now = ARGV[2]
local marked = string.sub(now, 1, -2) .. '1'
enter(KEYS[8], KEYS[9], ARGV[1])

local fields, sides, graduates = {}, {}, {}
for i = 3, #ARGV do
  local letter, field = string.byte(ARGV[i]), string.sub(ARGV[i], 2)
  if not sides[field] then fields[#fields + 1] = field end
  sides[field] = letter == ${Entry.Leecher} and 2 or 1
  if letter == ${Entry.Graduate} then graduates[field] = true end
end

-- Many peers cost little more than one: each side is asked, and written, once.
local known = { redis.call('HMGET', hashes[1], unpack(fields)), redis.call('HMGET', hashes[2], unpack(fields)) }
local written, moved = { {}, {} }, { {}, {} }
local snatched = 0
for i = 1, #fields do
  local field = fields[i]
  local side = sides[field]
  local here, there = known[side][i], known[3 - side][i]
  local last = here or there
  local isMarked = last and string.sub(last, -6) == '000001'
  local values = written[side]
  values[#values + 1] = field
  values[#values + 1] = (isMarked or graduates[field]) and marked or now
  if graduates[field] and not isMarked then snatched = snatched + 1 end
  if not here then add(counterOf(side), 1) end
  if there then
    table.insert(moved[3 - side], field)
    add(counterOf(3 - side), -1)
  end
end

for side = 1, 2 do
  if #written[side] > 0 then
    -- The first write: if Redis is full this fails, and nothing has changed.
    redis.call('HSET', hashes[side], unpack(written[side]))
    note(side, now)
  end
end
for side = 1, 2 do
  if #moved[side] > 0 then redis.call('HDEL', hashes[side], unpack(moved[side])) end
end
if length == 0 then filled() end
if snatched > 0 then
  local count = snatches()
  redis.call('HSET', KEYS[SNATCHES], infohash, (count and tonumber(string.match(count, '^%d+')) or 0) + snatched)
end
leave()
`);

/**
 * Deletes peers from the sides named.
 *
 *     KEYS   KeyGroup.common, seeders, leechers
 *     ARGV   infohash, time, then entries: s a seeder, l a leecher
 *     reply  how many were there
 */
export const deleteScript = new Script(`#!lua flags=allow-oom
${counting}
enter(KEYS[8], KEYS[9], ARGV[1])
local deleted = 0
for i = 3, #ARGV do
  local side = string.sub(ARGV[i], 1, 1) == 's' and 1 or 2
  deleted = deleted + remove(side, string.sub(ARGV[i], 2), ARGV[2])
end
leave()
return deleted
`);
