-- What all scripts share; each runs whole or not at all (Redis runs nothing else meanwhile).
--
-- KEYS[1] is the prefix of all keys with its colon, so that access rules for keys apply to it:
--   <prefix>:room:<room>:meta     hash: epoch, head (newest id), floor (where ids leapt), newest (ms),
--                                 messages and bytes in the log, members, held (members whose
--                                 connections are lost)
--   <prefix>:room:<room>:log      stream: the room's entries, see `append`
--   <prefix>:room:<room>:keys     hash: idempotency key -> "id ms hash", while its message is in the log
--   <prefix>:room:<room>:names    hash: what a name looks like -> user_id, where names are unique
--   <prefix>:users                hash: user_id -> "node member"
--   <prefix>:nodes                set of nodes
--   <prefix>:node:<node>          hash: member -> record, see `record`
--   <prefix>:held                 set of members whose connections are lost
--   <prefix>:lease:<node>         exists for as long as the node lives
--   <prefix>:state                stream: joins, leaves, renames, typing, numbered without holes
--   <prefix>:state:version        number of the newest of those
local P = string.sub(KEYS[1], 1, -2)

-- Ids of a log that begins anew start this far above all earlier ones, so that they never go down,
-- however far a node was ahead of the one that noticed the loss.
local LEAP = 1048576
-- Entries of the state stream that are kept for nodes that are slow to read it; others read the whole
-- state anew.
local STATE_KEPT = 10000
-- Bytes an entry is counted for beside what people wrote: what it takes in Redis, with its key.
local ENTRY_BYTES = 700
-- Entries trimmed at once.
local TRIM_MAX = 64

local function room_key(room, what) return P .. ':room:' .. room .. ':' .. what end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A number as a string of digits.
local function digits(number) return string.format('%.0f', number) end

-- The room's log; a new epoch where there is none, or where it has gone back behind what a node has
-- read of it (`known_head`): its entries were lost then.
local function open_log(room, fresh_epoch, known_head)
  local meta = room_key(room, 'meta')
  local found = redis.call('HMGET', meta, 'epoch', 'head', 'floor', 'newest', 'messages', 'bytes')
  local log = {
    room = room, meta = meta, epoch = found[1],
    head = tonumber(found[2] or 0), floor = tonumber(found[3] or 0), newest = tonumber(found[4] or 0),
    messages = tonumber(found[5] or 0), bytes = tonumber(found[6] or 0),
  }
  known_head = tonumber(known_head)
  if not log.epoch or log.head < known_head then
    if known_head > 0 then log.head = math.max(log.head, known_head) + LEAP end
    log.epoch = fresh_epoch
    log.floor = log.head
    redis.call('HSET', meta, 'epoch', log.epoch, 'head', digits(log.head), 'floor', digits(log.floor))
  end
  return log
end

-- The fields of a stream's entry as a table.
local function fields_of(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  return fields
end

local function size_of(name, text) return #name + #text + ENTRY_BYTES end

-- Removes the oldest entries that are surplus, as src/room/log.rs does, but never the one whose id in
-- the stream is `newest`. 0 = no bound.
local function trim(log, bounds, now, newest)
  local stream = room_key(log.room, 'log')
  for _ = 1, TRIM_MAX do
    local too_large = bounds.bytes > 0 and log.bytes > bounds.bytes
    local crowded = bounds.messages > 0 and
      (log.messages > bounds.messages or redis.call('XLEN', stream) > 2 * bounds.messages)
    if not too_large and not crowded then return end
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    if not oldest or oldest[1] == newest then return end
    local fields = fields_of(oldest)
    local at = tonumber(fields.ts)
    -- What no node wrote goes first.
    if at and fields.n and fields.t then
      if not too_large and now - at < bounds.keep_ms then return end
      log.bytes = log.bytes - size_of(fields.n, fields.t)
      if fields.k == 'message' then log.messages = log.messages - 1 end
      if fields.d then redis.call('HDEL', room_key(log.room, 'keys'), fields.d) end
    end
    redis.call('XDEL', stream, oldest[1])
  end
end

-- Appends an entry:
--   e epoch, i id, k kind (message, joined, left, renamed), u user_id, n name, m membership,
--   t text (of a message; of `renamed`, the name before), ts accepted at (ms), and of messages
--   d idempotency key as in `keys`, c client_id
-- Returns its id and when it was accepted.
local function append(log, bounds, kind, user, name, member, text, dedup, client_id)
  local now = now_ms()
  log.newest = math.max(log.newest, now)
  log.head = log.head + 1
  local id, at = digits(log.head), digits(log.newest)
  local entry = { 'e', log.epoch, 'i', id, 'k', kind, 'u', user, 'n', name, 'm', member, 't', text, 'ts', at }
  if dedup then
    entry[#entry + 1] = 'd'
    entry[#entry + 1] = dedup
  end
  if client_id and client_id ~= '' then
    entry[#entry + 1] = 'c'
    entry[#entry + 1] = client_id
  end
  local newest = redis.call('XADD', room_key(log.room, 'log'), '*', unpack(entry))
  log.bytes = log.bytes + size_of(name, text)
  if kind == 'message' then log.messages = log.messages + 1 end
  trim(log, bounds, now, newest)
  redis.call('HSET', log.meta, 'head', id, 'newest', at,
    'messages', digits(log.messages), 'bytes', digits(log.bytes))
  return id, at
end

local function bounds_from(first)
  return {
    messages = tonumber(ARGV[first]), bytes = tonumber(ARGV[first + 1]), keep_ms = tonumber(ARGV[first + 2]),
    notices = tonumber(ARGV[first + 3]),
  }
end

-- Members of a room whose connections are not lost.
local function live_members(meta)
  local counts = redis.call('HMGET', meta, 'members', 'held')
  return tonumber(counts[1] or 0) - tonumber(counts[2] or 0)
end

-- Whether a room of this many live members is told of joins, leaves and renames.
local function tells(bounds, live) return bounds.notices == 0 or live <= bounds.notices end

-- What is kept of a member: room, user_id, name, and what the name looks like, where names are
-- unique. No part has a line feed.
local function record(room, user, name, looks)
  return room .. '\n' .. user .. '\n' .. name .. '\n' .. looks
end

local function parts_of(record)
  local room, user, name, looks = string.match(record, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  return { room = room, user = user, name = name, looks = looks or '' }
end

-- When somebody joined: what a membership's name begins with (src/room/members.rs).
local function joined_ms(member) return tonumber(string.match(member, '^%x+') or '0', 16) end

-- What the names of a member look like: one a line.
local function each_look(looks) return string.gmatch(looks, '[^\n]+') end

local function is_taken(room, looks, user)
  for look in each_look(looks) do
    local holder = redis.call('HGET', room_key(room, 'names'), look)
    if holder and holder ~= user then return true end
  end
  return false
end

local function take_names(room, looks, user)
  for look in each_look(looks) do redis.call('HSET', room_key(room, 'names'), look, user) end
end

local function give_up_names(room, looks, user)
  local names = room_key(room, 'names')
  for look in each_look(looks) do
    if redis.call('HGET', names, look) == user then redis.call('HDEL', names, look) end
  end
end

-- Tells all nodes a change of state:
--   v number, o what (joined, left, reaped, renamed, typing, idle), r room, m membership, u user_id, n name,
--   by the node that did it
local function tell_state(what, room, member, user, name, by)
  local version = redis.call('INCR', P .. ':state:version')
  if version == 1 then
    -- A state that begins anew is numbered above all earlier ones.
    version = now_ms() * 1000
    redis.call('SET', P .. ':state:version', digits(version))
  end
  redis.call('XADD', P .. ':state', 'MAXLEN', '~', STATE_KEPT, '*',
    'v', digits(version), 'o', what, 'r', room, 'm', member, 'u', user, 'n', name, 'by', by)
end

-- Ends a membership: it was `left`, or `reaped` with its node. `log` is given where the room is to be
-- told.
local function remove(what, node, member, was, by, log, bounds)
  redis.call('HDEL', P .. ':node:' .. node, member)
  if redis.call('HGET', P .. ':users', was.user) == node .. ' ' .. member then
    redis.call('HDEL', P .. ':users', was.user)
  end
  give_up_names(was.room, was.looks, was.user)
  local meta = room_key(was.room, 'meta')
  local live = live_members(meta)
  redis.call('HINCRBY', meta, 'members', -1)
  if redis.call('SREM', P .. ':held', member) == 1 then redis.call('HINCRBY', meta, 'held', -1) end
  tell_state(what, was.room, member, was.user, was.name, by)
  if log and tells(bounds, live) then
    append(log, bounds, 'left', was.user, was.name, member, '')
  end
end

-- Whether a request comes too late: whoever asked has been told that it was not done.
local function is_late(deadline_ms) return now_ms() > tonumber(deadline_ms) end
