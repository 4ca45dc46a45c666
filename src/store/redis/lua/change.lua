-- Puts a change to a message into a room's log. The entry of the message, and of an edit before this one,
-- is deleted: what they said is gone, and the change has what is still needed of them.
-- ARGV: room, fresh epoch, known head, deadline (ms), idempotency key, hash of the text, membership ('' if the
-- author is not a member), user_id, name, text, client_id or '', kind (edited, deleted), the message's
-- id, whether the author may delete messages of others (1, 0), how old a message may be that is edited
-- (ms), caller (6)
-- Returns 'new' or 'known' (by its key) or 'again' (it was deleted before), id, time; or 'late', 'conflict',
-- 'elsewhere', 'missing', 'forbidden', 'old'.
local room, dedup, hash, member, user = ARGV[1], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local kind, of, window, by = ARGV[12], ARGV[13], tonumber(ARGV[15]), caller_from(16)
-- Keys of edits that one entry keeps.
local KEYS_MAX = 16

if is_late(ARGV[4]) then return { 'late' } end
local log = open_log(room, ARGV[2], ARGV[3])
local keys, changed = room_key(room, 'keys'), room_key(room, 'changed')
local known = redis.call('HGET', keys, dedup)
if known then
  local id, at, before = string.match(known, '^(%d+) (%d+) (%S+)$')
  if before ~= hash and before ~= '*' then return { 'conflict' } end
  return { 'known', id, at }
end
local holder = member ~= '' and redis.call('HGET', P .. ':users', user)
if holder and string.match(holder, ' (%S+)$') ~= member then return { 'elsewhere' } end
local position, was = find_message(log, of)
if not position then
  if was and kind == 'deleted' and was.u == user then return { 'again', was.i, was.ts } end
  return { 'missing' }
end
local original = { u = was.ou, n = was.on, ts = was.ots, p = was.op, d = was.od, c = was.oc, r = was['or'] }
if was.k == 'message' then original = was end
if original.u ~= user and (kind == 'edited' or ARGV[14] ~= '1') then return { 'forbidden' } end
if kind == 'edited' and (window == 0 or time_for(log, by) - tonumber(original.ts) > window) then
  return { 'old' }
end
if not log.last then recount(log) end
redis.call('XDEL', room_key(room, 'log'), position)
log.messages = log.messages - 1
if kind == 'deleted' then delete_reactions(log, of) end
local more = { 'o', of, 'ou', original.u, 'on', original.n, 'ots', original.ts }
local reply_to = kind == 'edited' and original.r or ''
for name, value in pairs({ op = original.p or '', od = original.d or '', oc = original.c or '', ['or'] = reply_to }) do
  if value ~= '' then
    more[#more + 1] = name
    more[#more + 1] = value
  end
end
-- A retry of what is replaced is not compared with a text that is gone.
local replaced = {}
for key in string.gmatch((was.ks or '') .. '\n' .. (was.k == 'edited' and was.d or ''), '[^\n]+') do
  replaced[#replaced + 1] = key
end
if #replaced > KEYS_MAX then redis.call('HDEL', keys, table.remove(replaced, 1)) end
if #replaced > 0 then
  more[#more + 1] = 'ks'
  more[#more + 1] = table.concat(replaced, '\n')
end
for _, key in ipairs({ was.d or '', original.d or '' }) do
  local id, at = string.match(redis.call('HGET', keys, key) or '', '^(%d+) (%d+) ')
  if id then redis.call('HSET', keys, key, id .. ' ' .. at .. ' *') end
end
local author = member == '' and '0-0-0' or member
local id, at = append(log, by, kind, user, ARGV[9], author, ARGV[10], dedup, ARGV[11], more)
redis.call('HSET', changed, of, id)
redis.call('HSET', keys, dedup, id .. ' ' .. at .. ' ' .. hash)
return { 'new', id, at }
