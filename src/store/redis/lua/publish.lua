-- Puts a message into a room's log.
-- ARGV: room, fresh epoch, known head, deadline (ms), idempotency key, hash of the text, membership ('' if the
-- author does not send it as a member), user_id, name, text, client_id or '', the id of the message that it
-- answers or '', caller (6)
-- Returns 'new' or 'known' (by its key), id, time; or 'late', 'conflict', 'elsewhere', 'missing'.
local room, dedup, hash, member = ARGV[1], ARGV[5], ARGV[6], ARGV[7]
if is_late(ARGV[4]) then return { 'late' } end
local log = open_log(room, ARGV[2], ARGV[3])
local keys = room_key(room, 'keys')
local known = redis.call('HGET', keys, dedup)
if known then
  local id, at, before = string.match(known, '^(%d+) (%d+) (%S+)$')
  if before ~= hash and before ~= '*' then return { 'conflict' } end
  return { 'known', id, at }
end
-- A newer connection of the same user has taken over from the sender. It has sent the message already, or
-- will send it again. If Redis does not know the user, it has lost its data, which nodes soon restore.
local holder = member ~= '' and redis.call('HGET', P .. ':users', ARGV[8])
if holder and string.match(holder, ' (%S+)$') ~= member then return { 'elsewhere' } end
local reply_to = ARGV[12]
if reply_to ~= '' and not find_message(log, reply_to) then return { 'missing' } end
local more = reply_to ~= '' and { 'r', reply_to } or nil
local author = member == '' and '0-0-0' or member
local id, at = append(log, caller_from(13), 'message', ARGV[8], ARGV[9], author, ARGV[10], dedup, ARGV[11], more)
redis.call('HSET', keys, dedup, id .. ' ' .. at .. ' ' .. hash)
return { 'new', id, at }
