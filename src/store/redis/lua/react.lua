-- Changes who has reacted to a message with an emoji, and puts the newest count into the room's log. The entry of
-- the count before is deleted.
-- ARGV: room, fresh epoch, known head, deadline (ms), the message's id, emoji, how many different emoji and how many
-- reactions a message may have, caller (6), and for each user in turn: user_id, name, whether they react or take
-- that back (1, 0)
-- Returns 'new' or 'known' (nothing has changed), id, time; or 'late', 'missing', 'full'.
local room, of, emoji, by = ARGV[1], ARGV[5], ARGV[6], caller_from(9)
local EMOJI_MAX, REACTIONS_MAX = tonumber(ARGV[7]), tonumber(ARGV[8])
if is_late(ARGV[4]) then return { 'late' } end
local log = open_log(room, ARGV[2], ARGV[3])
local position, message = find_message(log, of)
if not position then return { 'missing' } end

local key = reactions_key(room, of)
local found = redis.call('HMGET', key, 'all', 'different', 'c ' .. emoji, 'n ' .. emoji)
local all, different, before = tonumber(found[1] or 0), tonumber(found[2] or 0), tonumber(found[3] or 0)
local count, now, reactors, last = before, {}, {}, nil
for i = 15, #ARGV, 3 do
  local field, on = 'u ' .. emoji .. ' ' .. ARGV[i], ARGV[i + 2] == '1'
  local was = now[field]
  if was == nil then was = redis.call('HEXISTS', key, field) == 1 end
  if was ~= on then
    now[field] = on
    count = count + (on and 1 or -1)
    reactors[#reactors + 1] = (on and '+' or '-') .. ARGV[i]
    last = i
  end
end
local noted, id, at = string.match(found[4] or '', '^(%S+) (%d+) (%d+)$')
if not last then return { 'known', id or of, at or message.ots or message.ts } end
if before == 0 and count > 0 and different >= EMOJI_MAX then return { 'full' } end
if count > before and all + count - before > REACTIONS_MAX then return { 'full' } end

for field, on in pairs(now) do
  if on then redis.call('HSET', key, field, '1') else redis.call('HDEL', key, field) end
end
if before == 0 and count > 0 then different = different + 1 end
if before > 0 and count == 0 then different = different - 1 end
if not log.last then recount(log) end
if noted then log.messages = log.messages - redis.call('XDEL', room_key(room, 'log'), noted) end
local kind = ARGV[last + 2] == '1' and 'reacted' or 'unreacted'
local more = { 'o', of, 'q', digits(count), 'rs', table.concat(reactors, '\n') }
local newest
id, at, newest = append(log, by, kind, ARGV[last], ARGV[last + 1], '0-0-0', emoji, nil, nil, more)
redis.call('HSET', key, 'all', digits(all + count - before), 'different', digits(different), 'c ' .. emoji, digits(count),
  'n ' .. emoji, newest .. ' ' .. id .. ' ' .. at)
return { 'new', id, at }
