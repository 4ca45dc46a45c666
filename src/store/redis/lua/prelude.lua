-- What all scripts share; each runs whole or not at all (Redis runs nothing else meanwhile).
--
-- KEYS[1] is the prefix of all keys with its colon, so that access rules for keys apply to it:
--   <prefix>:room:<room>:meta     hash: epoch, head (newest id), floor (where ids leapt), newest (ms),
--                                 last (newest message's id), messages and their bytes in the log,
--                                 notices and their bytes, foreign entries, members, held (members
--                                 whose connections are lost)
--   <prefix>:room:<room>:log      stream: the room's entries, see `append`
--   <prefix>:room:<room>:notices  list: "stream-id size" of each notice in the log, oldest first
--   <prefix>:room:<room>:keys     hash: idempotency key -> "id ms hash", while its message is in the log
--   <prefix>:room:<room>:names    hash: what a name looks like -> user_id, where names are unique
--   <prefix>:users                hash: user_id -> "node member"
--   <prefix>:nodes                set of nodes
--   <prefix>:node:<node>          hash: member -> record, see `record`
--   <prefix>:held                 set of members whose connections are lost
--   <prefix>:lease:<node>         exists for as long as the node lives
--   <prefix>:over:<member>        exists for a while after another node's member took over from it
--   <prefix>:reaped:<user>        the user's membership that ended with its node; exists for a while
--   <prefix>:settings             hash: node -> its settings, one "NAME=value" a line
--   <prefix>:bounds               hash: messages, bytes, keep_ms: what the nodes that live keep at most
--   <prefix>:probe                written to find out whether there is memory left
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
-- Notices kept of each room, and what they may be counted for, as src/room/log.rs does. Entries that no
-- node wrote may be as many.
local NOTICES_MAX = 1000
local NOTICES_BYTES = 2 * 1024 * 1024
-- By how much the clock here may differ from what the calling node believes of it (ms).
local DOUBT = 10000
-- How long it is known which memberships were taken over from (ms).
local OVER = 3600 * 1000

local function room_key(room, what) return P .. ':room:' .. room .. ':' .. what end

local function now_ms()
  local time = redis.call('TIME')
  return math.max(time[1] * 1000 + math.floor(time[2] / 1000), 0)
end

-- A number as a string of digits.
local function digits(number) return string.format('%.0f', number) end

-- The room's log; a new epoch where there is none, or where it has gone back behind what a node has
-- read of it (`known_head`): its entries were lost then.
local function open_log(room, fresh_epoch, known_head)
  local meta = room_key(room, 'meta')
  local found = redis.call('HMGET', meta, 'epoch', 'head', 'floor', 'newest', 'messages', 'bytes',
    'last', 'notices', 'notice_bytes', 'foreign')
  local log = {
    room = room, meta = meta, epoch = found[1],
    head = tonumber(found[2] or 0), floor = tonumber(found[3] or 0), newest = tonumber(found[4] or 0),
    messages = tonumber(found[5] or 0), bytes = tonumber(found[6] or 0), last = tonumber(found[7]),
    notices = tonumber(found[8] or 0), notice_bytes = tonumber(found[9] or 0), foreign = tonumber(found[10] or 0),
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

-- What an entry is to the log's books: 'message', 'notice' or 'foreign'.
local function kind_of(fields)
  if not (tonumber(fields.ts) and tonumber(fields.i) and fields.n and fields.t) then return 'foreign' end
  local kind = fields.k
  if kind == 'message' then return 'message' end
  return (kind == 'joined' or kind == 'left' or kind == 'renamed') and 'notice' or 'foreign'
end

-- Counts a log anew where its books do not fit it: somebody else wrote into it or deleted from it, or a
-- node of another format, which counts otherwise. Of too many foreign entries the rest is deleted.
local function recount(log)
  local stream, list = room_key(log.room, 'log'), room_key(log.room, 'notices')
  log.messages, log.bytes, log.notices, log.notice_bytes, log.foreign = 0, 0, 0, 0, 0
  log.last = log.last or 0
  redis.call('DEL', list)
  local from = '-'
  repeat
    local page = redis.call('XRANGE', stream, from, '+', 'COUNT', 500)
    for _, entry in ipairs(page) do
      local fields = fields_of(entry)
      local kind = kind_of(fields)
      if kind == 'message' then
        log.messages, log.bytes = log.messages + 1, log.bytes + size_of(fields.n, fields.t)
        log.last = math.max(log.last, math.min(tonumber(fields.i), log.head))
      elseif kind == 'notice' then
        local size = size_of(fields.n, fields.t)
        log.notices, log.notice_bytes = log.notices + 1, log.notice_bytes + size
        redis.call('RPUSH', list, entry[1] .. ' ' .. size)
      elseif log.foreign < NOTICES_MAX then
        log.foreign = log.foreign + 1
      else
        redis.call('XDEL', stream, entry[1])
      end
      from = '(' .. entry[1]
    end
  until #page == 0
end

local function drop_oldest_notice(log)
  local oldest = redis.call('LPOP', room_key(log.room, 'notices'))
  local id, size = string.match(oldest or '', '^(%S+) (%d+)$')
  if id then redis.call('XDEL', room_key(log.room, 'log'), id) end
  log.notices, log.notice_bytes = log.notices - 1, log.notice_bytes - (tonumber(size) or 0)
end

-- Removes what is surplus, as src/room/log.rs does: the oldest messages by the bounds of HISTORY_*, the
-- oldest notices by their own. The newest of either stays. 0 = no bound.
local function trim(log, bounds, now)
  local stream = room_key(log.room, 'log')
  for _ = 1, TRIM_MAX do
    if log.notices <= 1 or (log.notices <= NOTICES_MAX and log.notice_bytes <= NOTICES_BYTES) then break end
    drop_oldest_notice(log)
  end
  for _ = 1, TRIM_MAX do
    local too_large = bounds.bytes > 0 and log.bytes > bounds.bytes
    local crowded = bounds.messages > 0 and log.messages > bounds.messages
    if log.messages <= 1 or not (too_large or crowded) then return end
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    if not oldest then return end
    local fields = fields_of(oldest)
    local kind = kind_of(fields)
    if kind == 'message' then
      if not too_large and now - tonumber(fields.ts) < bounds.keep_ms then return end
      log.messages, log.bytes = log.messages - 1, log.bytes - size_of(fields.n, fields.t)
      if fields.d then redis.call('HDEL', room_key(log.room, 'keys'), fields.d) end
      redis.call('XDEL', stream, oldest[1])
    elseif kind == 'notice' then
      -- Older than every message: old news to whoever resumes.
      drop_oldest_notice(log)
    else
      log.foreign = log.foreign - 1
      redis.call('XDEL', stream, oldest[1])
    end
  end
end

-- Appends an entry:
--   e epoch, i id, k kind (message, joined, left, renamed), u user_id, n name, m membership,
--   t text (of a message; of `renamed`, the name before), ts accepted at (ms), and of messages
--   p id of the message before it (so that a message that is missing is noticed, while notices may be),
--   d idempotency key as in `keys`, c client_id
-- Returns its id and when it was accepted.
local function append(log, bounds, kind, user, name, member, text, dedup, client_id)
  local now = now_ms()
  -- Timestamps that followed a clock that leaps could not come back: the node knows for how long it has
  -- been where it is.
  if math.abs(now - bounds.believed_ms) > DOUBT then now = bounds.believed_ms end
  log.newest = math.max(log.newest, now)
  log.head = log.head + 1
  local id, at = digits(log.head), digits(log.newest)
  local entry = { 'e', log.epoch, 'i', id, 'k', kind, 'u', user, 'n', name, 'm', member, 't', text, 'ts', at }
  local stream = room_key(log.room, 'log')
  if not log.last then recount(log) end
  if kind == 'message' then
    entry[#entry + 1] = 'p'
    entry[#entry + 1] = digits(log.last)
    log.last = log.head
  end
  if dedup then
    entry[#entry + 1] = 'd'
    entry[#entry + 1] = dedup
  end
  if client_id and client_id ~= '' then
    entry[#entry + 1] = 'c'
    entry[#entry + 1] = client_id
  end
  local newest, size = redis.call('XADD', stream, '*', unpack(entry)), size_of(name, text)
  if kind == 'message' then
    log.messages, log.bytes = log.messages + 1, log.bytes + size
  else
    log.notices, log.notice_bytes = log.notices + 1, log.notice_bytes + size
    redis.call('RPUSH', room_key(log.room, 'notices'), newest .. ' ' .. size)
  end
  if redis.call('XLEN', stream) ~= log.messages + log.notices + log.foreign then recount(log) end
  trim(log, bounds, now)
  redis.call('HSET', log.meta, 'head', id, 'newest', at, 'last', digits(log.last),
    'messages', digits(log.messages), 'bytes', digits(log.bytes), 'notices', digits(log.notices),
    'notice_bytes', digits(log.notice_bytes), 'foreign', digits(log.foreign))
  return id, at
end

-- The larger of two bounds, of which 0 is none.
local function larger(one, other)
  if one == 0 or other == 0 then return 0 end
  return math.max(one, other)
end

-- The nodes that live: their names, each with its settings, '' where it has told none.
local function living_nodes()
  local nodes = {}
  for _, node in ipairs(redis.call('SMEMBERS', P .. ':nodes')) do
    if redis.call('EXISTS', P .. ':lease:' .. node) == 1 then
      nodes[#nodes + 1] = node
      nodes[#nodes + 1] = redis.call('HGET', P .. ':settings', node) or ''
    end
  end
  return nodes
end

-- Notes what the nodes that live keep at most, so that none trims what another is to keep. Where there
-- is no memory for it, it stays as it was.
local function note_bounds(nodes)
  local most = nil
  for i = 2, #nodes, 2 do
    local messages, bytes = string.match(nodes[i], 'HISTORY_MESSAGES=(%d+)\nHISTORY_BYTES=(%d+)\n')
    local keep = string.match(nodes[i], 'keep_ms=(%d+)')
    if messages and keep then
      messages, bytes, keep = tonumber(messages), tonumber(bytes), tonumber(keep)
      most = most or { messages, bytes, keep }
      most = { larger(most[1], messages), larger(most[2], bytes), math.max(most[3], keep) }
    end
  end
  if not most then return end
  local key = P .. ':bounds'
  local noted = redis.call('HMGET', key, 'messages', 'bytes', 'keep_ms')
  if noted[1] ~= digits(most[1]) or noted[2] ~= digits(most[2]) or noted[3] ~= digits(most[3]) then
    redis.pcall('HSET', key, 'messages', digits(most[1]), 'bytes', digits(most[2]), 'keep_ms', digits(most[3]))
  end
end

local function bounds_from(first)
  local bounds = {
    messages = tonumber(ARGV[first]), bytes = tonumber(ARGV[first + 1]), keep_ms = tonumber(ARGV[first + 2]),
    notices = tonumber(ARGV[first + 3]), believed_ms = tonumber(ARGV[first + 4]),
  }
  local others = redis.call('HMGET', P .. ':bounds', 'messages', 'bytes', 'keep_ms')
  if others[1] then
    bounds.messages = larger(bounds.messages, tonumber(others[1]))
    bounds.bytes = larger(bounds.bytes, tonumber(others[2]))
    bounds.keep_ms = math.max(bounds.keep_ms, tonumber(others[3]))
  end
  return bounds
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

-- Where a member joined, and as which there: what a membership's name says (src/room/members.rs).
local function node_of(member) return string.match(member, '^%x+%-(%x+)%-%x+$') end
local function serial(member) return tonumber(string.match(member, '%x+$') or '0', 16) end

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
    version = math.max(now_ms() * 1000, 2)
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

-- Another node's member is the user's now: the node that had this one will find it here.
local function take_over(member) redis.call('SET', P .. ':over:' .. member, '1', 'PX', OVER) end

-- Whether a request comes too late: whoever asked has been told that it was not done.
local function is_late(deadline_ms) return now_ms() > tonumber(deadline_ms) end
