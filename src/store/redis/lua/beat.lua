-- Renews a node's lease and finds the nodes whose leases are over.
-- ARGV: node, lease (ms), and for each room: its name, epoch, and the oldest message and the oldest
-- notice that the node has in memory
-- Returns whether the lease still was (1, 0), the time (ms), whether there is memory for more (1, 0), and
-- the nodes whose lease is over.

-- Trims of one room in one call: a quiet room is trimmed here, and by nothing else.
local TRIMS_MAX = 16
local node = ARGV[1]
-- First: what follows a script's first write is done whether there is memory or not.
local probed = redis.pcall('SET', P .. ':probe', '1')
local has_room = type(probed) == 'table' and probed.err and string.find(probed.err, 'OOM') and 0 or 1
local alive = redis.call('PEXPIRE', P .. ':lease:' .. node, ARGV[2])
-- No node reaps if all nodes are gone for good, so the key expires.
redis.call('PEXPIRE', P .. ':node:' .. node, 24 * 3600 * 1000)
local dead = {}
for _, other in ipairs(redis.call('SMEMBERS', P .. ':nodes')) do
  if other ~= node and redis.call('EXISTS', P .. ':lease:' .. other) == 0 then dead[#dead + 1] = other end
end
-- Nothing is trimmed that a living node has in memory.
local living = { [node] = true }
local nodes = living_nodes()
for i = 1, #nodes, 2 do living[nodes[i]] = true end
for i = 3, has_room == 1 and #ARGV or 0, 4 do
  local room = ARGV[i]
  for _, other in ipairs(redis.call('HKEYS', room_key(room, 'kept'))) do
    if not living[other] then redis.call('HDEL', room_key(room, 'kept'), other) end
  end
  if redis.call('HEXISTS', room_key(room, 'meta'), 'last') == 1 then
    local log = open_log(room, '', 0)
    local messages, notices = oldest_kept(log, {
      epoch = ARGV[i + 1], messages = tonumber(ARGV[i + 2]), notices = tonumber(ARGV[i + 3]), node = node,
    })
    local before = log.messages + log.notices + log.foreign
    for _ = 1, TRIMS_MAX do
      if trim(log, messages, notices) == 0 then break end
    end
    if log.messages + log.notices + log.foreign ~= before then
      redis.call('HSET', log.meta, 'messages', digits(log.messages), 'notices', digits(log.notices),
        'foreign', digits(log.foreign))
    end
  end
end
return { alive, digits(now_ms()), has_room, dead }
