-- What all scripts share; each runs whole or not at all (Redis runs nothing else meanwhile).
--
-- KEYS[1] is the prefix of all keys with its colon, so that access rules for keys apply to it:
--   <prefix>:room:<room>:meta     hash: epoch, head (newest id), floor (where ids jumped), newest (ms),
--                                 last (newest message's id), messages (with changes to them), notices
--                                 and foreign entries in the log, members, held (members whose connections are lost)
--   <prefix>:room:<room>:log      stream: the room's entries, see `append`
--   <prefix>:room:<room>:notices  list: "stream-id id" of each notice in the log, oldest first
--   <prefix>:room:<room>:kept     hash: node -> "id id" of the oldest message and the oldest notice that
--                                 it has in memory (0 if it has none)
--   <prefix>:room:<room>:keys     hash: idempotency key -> "id ms hash", while its message is in the log;
--                                 the hash is * once the message has changed
--   <prefix>:room:<room>:changed  hash: id of a message -> id of the newest change to it, see `append`
--   <prefix>:room:<room>:reactions:<id>  hash of the message with that id: "u emoji user" for each user who has
--                                 reacted, "c emoji" how many, "n emoji" -> "stream-id id ms" of the newest entry,
--                                 all (reactions), different (emoji); "n pin" -> stream-id of the newest
--                                 entry that it was pinned or taken down
--   <prefix>:room:<room>:names    hash: what a name looks like -> user_id, where names are unique
--   <prefix>:users                hash: user_id -> "node member"
--   <prefix>:nodes                set of nodes
--   <prefix>:node:<node>          hash: member -> record, see `record`
--   <prefix>:held                 set of members whose connections are lost
--   <prefix>:lease:<node>         exists for as long as the node lives
--   <prefix>:over:<member>        exists for a while after another node's member took over from it
--   <prefix>:reaped:<user>        the user's membership that ended with its node; exists for a while
--   <prefix>:settings             hash: node -> its settings, one "NAME=value" a line
--   <prefix>:task:<task>          the node that does a task which one node does at a time; exists for a while
--   <prefix>:probe                written to find out whether there is memory left
--   <prefix>:state                stream: joins, leaves, renames, typing, numbered without holes
--   <prefix>:state:version        number of the newest of those
--   <prefix>:decisions            hash: what people in charge have decided, as JSON by key
--   <prefix>:decided:<call>       exists for a while after a change of those
--   <prefix>:audit                stream: lines of the audit log, numbered from 1
--   <prefix>:audit:newest         number of the newest of those
local P = string.sub(KEYS[1], 1, -2)

-- Ids of a log that starts over begin this far above all earlier ones, so that they never go down,
-- however far a node was ahead of the one that noticed the loss.
local JUMP = 1048576
-- Entries of the state stream that are kept for nodes that are slow to read it; others read the whole
-- state again.
local STATE_KEPT = 10000
-- Lines of the audit log that are kept, about.
local AUDIT_KEPT = 100000
-- A log is trimmed each time its ids have grown by TRIM_EVERY, by at most TRIM_MAX messages and as many
-- notices.
local TRIM_EVERY, TRIM_MAX = 16, 64
-- Entries that no node wrote: so many stay in a log.
local FOREIGN_MAX = 1000
-- By how much the clock here may differ from the time that the calling node trusts (ms).
local DOUBT = 10000
-- How long it is known which memberships were taken over from (ms).
local OVER = 3600 * 1000

local function room_key(room, what) return P .. ':room:' .. room .. ':' .. what end

-- Where the reactions to a message are.
local function reactions_key(room, id) return room_key(room, 'reactions:' .. id) end

local function now_ms()
  local time = redis.call('TIME')
  return math.max(time[1] * 1000 + math.floor(time[2] / 1000), 0)
end

-- A number as a string of digits.
local function digits(number) return string.format('%.0f', number) end

-- The room's log. Starts a new epoch if there is none, or if its head is behind what a node has read of
-- it (`known_head`), because entries were lost then.
local function open_log(room, fresh_epoch, known_head)
  local meta = room_key(room, 'meta')
  local found = redis.call('HMGET', meta, 'epoch', 'head', 'floor', 'newest', 'messages', 'last', 'notices',
    'foreign')
  local log = {
    room = room, meta = meta, epoch = found[1],
    head = tonumber(found[2] or 0), floor = tonumber(found[3] or 0), newest = tonumber(found[4] or 0),
    messages = tonumber(found[5] or 0), last = tonumber(found[6]), notices = tonumber(found[7] or 0),
    foreign = tonumber(found[8] or 0),
  }
  known_head = tonumber(known_head)
  if not log.epoch or log.head < known_head then
    if known_head > 0 then log.head = math.max(log.head, known_head) + JUMP end
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

-- Kinds of entries that are changes to messages.
local CHANGES = { edited = true, deleted = true, reacted = true, unreacted = true, pinned = true, unpinned = true }

-- What an entry is to the log's books: 'message', 'notice' or 'foreign'.
local function kind_of(fields)
  if not (tonumber(fields.ts) and tonumber(fields.i) and fields.n and fields.t) then return 'foreign' end
  local kind = fields.k
  if kind == 'message' then return 'message' end
  if CHANGES[kind] then return tonumber(fields.o) and 'message' or 'foreign' end
  local is_notice = kind == 'joined' or kind == 'left' or kind == 'removed' or kind == 'renamed'
  return is_notice and 'notice' or 'foreign'
end

-- The entry with an id and its fields: ids grow with the time that a stream's own ids begin with.
local function find_entry(log, id)
  local stream = room_key(log.room, 'log')
  local function first_from(ms)
    local from = digits(ms)
    repeat
      local page = redis.call('XRANGE', stream, from, '+', 'COUNT', 10)
      for _, entry in ipairs(page) do
        if kind_of(fields_of(entry)) ~= 'foreign' then return tonumber(fields_of(entry).i) end
        from = '(' .. entry[1]
      end
    until #page == 0
  end
  local function ms_of(entry) return entry and tonumber(string.match(entry[1], '^%d+')) end
  local low = ms_of(redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1])
  local high = ms_of(redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1])
  -- The last millisecond from which on there is nothing above the id before the entry itself.
  while low and low < high do
    local middle = math.ceil((low + high) / 2)
    local found = first_from(middle)
    if found and found <= id then low = middle else high = middle - 1 end
  end
  local from = low and digits(low)
  while from do
    local page = redis.call('XRANGE', stream, from, '+', 'COUNT', 50)
    from = nil
    for _, entry in ipairs(page) do
      local fields = fields_of(entry)
      if kind_of(fields) ~= 'foreign' then
        if tonumber(fields.i) == id then return entry[1], fields end
        if tonumber(fields.i) > id then return end
      end
      from = '(' .. entry[1]
    end
  end
end

-- The entry that has a message's newest state, and its fields. Of a message that is deleted, nil and the fields
-- of the deletion; nil if there is none.
local function find_message(log, id)
  local newest = redis.call('HGET', room_key(log.room, 'changed'), id)
  local position, was = find_entry(log, tonumber(newest or id))
  if not position or kind_of(was) ~= 'message' then return end
  if was.k == 'message' then
    if newest then return end
  elseif was.o ~= id then
    return
  elseif was.k == 'deleted' then
    return nil, was
  end
  return position, was
end

-- Counts a log again if its counters do not fit it: something else wrote into it or deleted from it. Of
-- too many foreign entries the rest is deleted.
local function recount(log)
  local stream, list = room_key(log.room, 'log'), room_key(log.room, 'notices')
  log.messages, log.notices, log.foreign = 0, 0, 0
  log.last = log.last or 0
  redis.call('DEL', list)
  local from = '-'
  repeat
    local page = redis.call('XRANGE', stream, from, '+', 'COUNT', 500)
    for _, entry in ipairs(page) do
      local fields = fields_of(entry)
      local kind = kind_of(fields)
      if kind == 'message' then
        log.messages = log.messages + 1
        local newest = tonumber(fields.k == 'message' and fields.i or fields.o)
        log.last = math.max(log.last, math.min(newest, log.head))
      elseif kind == 'notice' then
        log.notices = log.notices + 1
        redis.call('RPUSH', list, entry[1] .. ' ' .. fields.i)
      elseif log.foreign < FOREIGN_MAX then
        log.foreign = log.foreign + 1
      else
        redis.call('XDEL', stream, entry[1])
      end
      from = '(' .. entry[1]
    end
  until #page == 0
end

-- The oldest message and the oldest notice that any live node has in memory; 0 if one of them has none,
-- has none of this log, or has not said. Notes what the calling node has.
local function oldest_kept(log, by)
  local key = room_key(log.room, 'kept')
  local messages, notices = by.messages, by.notices
  if by.epoch ~= log.epoch then messages, notices = 0, 0 end
  local own = digits(messages) .. ' ' .. digits(notices)
  if redis.call('HGET', key, by.node) ~= own then redis.call('HSET', key, by.node, own) end
  for _, node in ipairs(redis.call('SMEMBERS', P .. ':nodes')) do
    if node ~= by.node and redis.call('EXISTS', P .. ':lease:' .. node) == 1 then
      local message, notice = string.match(redis.call('HGET', key, node) or '', '^(%d+) (%d+)$')
      messages = math.min(messages, tonumber(message or 0))
      notices = math.min(notices, tonumber(notice or 0))
    end
  end
  return messages, notices
end

-- The idempotency keys that an entry keeps: its own, and of a change those of what it has replaced.
local function each_key(fields)
  return string.gmatch((fields.d or '') .. '\n' .. (fields.od or '') .. '\n' .. (fields.ks or ''), '[^\n]+')
end

-- Whether an entry has the newest state of a message.
local function has_state(fields) return fields.k == 'message' or fields.k == 'edited' or fields.k == 'deleted' end

-- Deletes the reactions to a message, and their entries and that of its pin.
local function delete_reactions(log, id)
  local key = reactions_key(log.room, id)
  local found = redis.call('HGETALL', key)
  for i = 1, #found, 2 do
    local entry = string.sub(found[i], 1, 2) == 'n ' and string.match(found[i + 1], '^%S+')
    if entry then log.messages = log.messages - redis.call('XDEL', room_key(log.room, 'log'), entry) end
  end
  if #found > 0 then redis.call('DEL', key) end
end

-- The entry of a change is about to go.
local function forget_change(log, fields)
  local changed = room_key(log.room, 'changed')
  if redis.call('HGET', changed, fields.o) == fields.i then redis.call('HDEL', changed, fields.o) end
end

-- Removes some of what no node has in memory any more: src/room/log.rs decides what that is. Returns how
-- many entries.
local function trim(log, messages, notices)
  local stream, list = room_key(log.room, 'log'), room_key(log.room, 'notices')
  local gone, keys, reactions = {}, {}, {}
  for _, noted in ipairs(redis.call('LRANGE', list, 0, TRIM_MAX - 1)) do
    local id, notice = string.match(noted, '^(%S+) (%d+)$')
    if notice and tonumber(notice) >= notices then break end
    redis.call('LPOP', list)
    log.notices = log.notices - 1
    gone[#gone + 1] = id
  end
  if #gone > 0 then redis.call('XDEL', stream, unpack(gone)) end
  local removed = #gone
  gone = {}
  for _, entry in ipairs(messages > 0 and redis.call('XRANGE', stream, '-', '+', 'COUNT', TRIM_MAX) or {}) do
    local fields = fields_of(entry)
    local kind = kind_of(fields)
    if kind == 'message' then
      if tonumber(fields.i) >= messages then break end
      log.messages = log.messages - 1
      for key in each_key(fields) do keys[#keys + 1] = key end
      if fields.o then forget_change(log, fields) end
      -- The entries of reactions go when their turn comes.
      if has_state(fields) then reactions[#reactions + 1] = reactions_key(log.room, fields.o or fields.i) end
    elseif kind == 'notice' then
      -- Older than every message: of no use to a client that resumes.
      redis.call('LPOP', list)
      log.notices = log.notices - 1
    else
      log.foreign = log.foreign - 1
    end
    gone[#gone + 1] = entry[1]
  end
  if #gone > 0 then redis.call('XDEL', stream, unpack(gone)) end
  if #keys > 0 then redis.call('HDEL', room_key(log.room, 'keys'), unpack(keys)) end
  if #reactions > 0 then redis.call('DEL', unpack(reactions)) end
  return removed + #gone
end

-- The time of an entry that comes next. Timestamps never go back, so they must not follow a clock that
-- jumps. The node knows which time has lasted long enough.
local function time_for(log, by)
  local now = now_ms()
  if math.abs(now - by.trusted_ms) > DOUBT then now = by.trusted_ms end
  return math.max(log.newest, now)
end

-- Appends an entry:
--   e epoch, i id, k kind (message, joined, left, removed, renamed), u user_id, n name, m membership,
--   t text (of a message; of `renamed`, the name before), ts accepted at (ms), and of messages
--   p id of the message before it (so that a message that is missing is noticed, while notices may be),
--   d idempotency key as in `keys`, c client_id, r id of the message that it answers
-- A change to a message (k edited, deleted) takes the place of the message and of the change before it,
-- whose entries are deleted, because a stream's entries cannot be rewritten:
--   o the message's id, t its new text, and of the message ou user_id, on name, ots ts, op p, od d, oc c, or r;
--   ks idempotency keys of edits that it has replaced, one a line
-- A reaction (k reacted, unreacted) is an entry too, of which there is one for each message and emoji:
--   o the message's id, t emoji, q how many have reacted with it, rs who did or took it back, "+user" or "-user" a line
-- A pin (k pinned, unpinned) is one too, of which there is one for each message: o the message's id, t empty.
-- Returns its id, when it was accepted, and its id in the stream.
local function append(log, by, kind, user, name, member, text, dedup, client_id, more)
  log.newest = time_for(log, by)
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
  for _, field in ipairs(more or {}) do entry[#entry + 1] = field end
  local newest = redis.call('XADD', stream, '*', unpack(entry))
  if kind_of({ ts = at, i = id, n = name, t = text, k = kind, o = id }) == 'message' then
    log.messages = log.messages + 1
  else
    log.notices = log.notices + 1
    redis.call('RPUSH', room_key(log.room, 'notices'), newest .. ' ' .. id)
  end
  if redis.call('XLEN', stream) ~= log.messages + log.notices + log.foreign then recount(log) end
  if by.room == log.room and log.head % TRIM_EVERY == 0 then trim(log, oldest_kept(log, by)) end
  redis.call('HSET', log.meta, 'head', id, 'newest', at, 'last', digits(log.last),
    'messages', digits(log.messages), 'notices', digits(log.notices), 'foreign', digits(log.foreign))
  return id, at, newest
end

-- The names of the live nodes, each with its settings, '' if it has published none.
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

-- The last arguments of a script that appends: what the calling node knows of the room that the first
-- argument names (epoch, the oldest message and the oldest notice it has in memory), the node, the
-- number of members above which a room has no notices, and the time it trusts (ms).
local function caller_from(first)
  return {
    room = ARGV[1], epoch = ARGV[first], messages = tonumber(ARGV[first + 1]), notices = tonumber(ARGV[first + 2]),
    node = ARGV[first + 3], notice_limit = tonumber(ARGV[first + 4]), trusted_ms = tonumber(ARGV[first + 5]),
  }
end

-- Members of a room whose connections are not lost.
local function live_members(meta)
  local counts = redis.call('HMGET', meta, 'members', 'held')
  return tonumber(counts[1] or 0) - tonumber(counts[2] or 0)
end

-- Whether a room of this many live members gets notices of joins, leaves and renames.
local function has_notices(by, live) return by.notice_limit == 0 or live <= by.notice_limit end

-- What is kept of a member: room, user_id, name, and its skeleton, if names are
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

-- The number of the next change of state.
local function next_version()
  local version = redis.call('INCR', P .. ':state:version')
  if version == 1 then
    -- A state that starts over is numbered above all earlier ones.
    version = math.max(now_ms() * 1000, 2)
    redis.call('SET', P .. ':state:version', digits(version))
  end
  return digits(version)
end

-- Sends a change of state to all nodes:
--   v number, o what (joined, left, reaped, renamed, typing, idle), r room, m membership, u user_id, n name,
--   by the node that did it; for `decided` see decide.lua
local function send_state(what, room, member, user, name, by)
  redis.call('XADD', P .. ':state', 'MAXLEN', '~', STATE_KEPT, '*',
    'v', next_version(), 'o', what, 'r', room, 'm', member, 'u', user, 'n', name, 'by', by)
end

-- Ends a membership: it was `left`, or `reaped` with its node. `log` is given if the room is to get
-- a notice: `notice` is its kind.
local function remove(what, node, member, was, log, by, notice)
  redis.call('HDEL', P .. ':node:' .. node, member)
  if redis.call('HGET', P .. ':users', was.user) == node .. ' ' .. member then
    redis.call('HDEL', P .. ':users', was.user)
  end
  give_up_names(was.room, was.looks, was.user)
  local meta = room_key(was.room, 'meta')
  local live = live_members(meta)
  redis.call('HINCRBY', meta, 'members', -1)
  if redis.call('SREM', P .. ':held', member) == 1 then redis.call('HINCRBY', meta, 'held', -1) end
  send_state(what, was.room, member, was.user, was.name, by.node)
  if log and has_notices(by, live) then
    append(log, by, notice or 'left', was.user, was.name, member, '')
  end
end

-- Another node's member is the user's now: the node that had this one will find it here.
local function take_over(member) redis.call('SET', P .. ':over:' .. member, '1', 'PX', OVER) end

-- Whether a request is too late: its session has answered `unavailable` already.
local function is_late(deadline_ms) return now_ms() > tonumber(deadline_ms) end
