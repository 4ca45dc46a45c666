-- Renews a node's lease and looks round.
-- ARGV: node, lease (ms), fresh epoch, then room and known head for each room
-- Returns: whether the lease still was (1, 0), the time (ms), the version of the state, the nodes whose
-- lease is over, then epoch and head of each room.
local node = ARGV[1]
local alive = redis.call('PEXPIRE', P .. ':lease:' .. node, ARGV[2])
redis.call('PEXPIRE', P .. ':node:' .. node, 3600000)
local dead = {}
for _, other in ipairs(redis.call('SMEMBERS', P .. ':nodes')) do
  if other ~= node and redis.call('EXISTS', P .. ':lease:' .. other) == 0 then dead[#dead + 1] = other end
end
local logs = {}
for i = 4, #ARGV, 2 do
  local log = open_log(ARGV[i], ARGV[3] .. '-' .. ARGV[i], ARGV[i + 1])
  logs[#logs + 1] = log.epoch
  logs[#logs + 1] = digits(log.head)
end
return { alive, digits(now_ms()), redis.call('GET', P .. ':state:version') or '0', dead, logs }
