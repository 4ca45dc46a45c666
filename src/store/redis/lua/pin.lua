-- Notes in a room's log that a message was pinned, or taken down. The entry before is deleted.
-- ARGV: room, fresh epoch, known head, deadline (ms), the message's id, kind (pinned, unpinned), user_id, name,
-- caller (6)
-- Returns 'new', id, time; or 'late', 'missing'.
local room, of = ARGV[1], ARGV[5]
if is_late(ARGV[4]) then return { 'late' } end
local log = open_log(room, ARGV[2], ARGV[3])
if not find_message(log, of) then return { 'missing' } end
local key = reactions_key(room, of)
local noted = redis.call('HGET', key, 'n pin')
if not log.last then recount(log) end
if noted then log.messages = log.messages - redis.call('XDEL', room_key(room, 'log'), noted) end
local id, at, newest = append(log, caller_from(9), ARGV[6], ARGV[7], ARGV[8], '0-0-0', '', nil, nil, { 'o', of })
redis.call('HSET', key, 'n pin', newest)
return { 'new', id, at }
