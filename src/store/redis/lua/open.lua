-- A room's log as a whole.
-- ARGV: room, fresh epoch, known head
-- Returns epoch, head, floor, the newest message's id ('' if it is unknown), and the id of the
-- stream's last entry.
local log = open_log(ARGV[1], ARGV[2], ARGV[3])
local last = redis.call('XREVRANGE', room_key(ARGV[1], 'log'), '+', '-', 'COUNT', 1)[1]
return { log.epoch, digits(log.head), digits(log.floor), log.last and digits(log.last) or '', last and last[1] or '0-0' }
