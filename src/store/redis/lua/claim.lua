-- Claims a task for a node, or renews its claim; or gives the claim up if the time is 0.
-- ARGV: node, task, time (ms)
local key = P .. ':task:' .. ARGV[2]
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[1] then return { 'other' } end
if ARGV[3] == '0' then
  redis.call('DEL', key)
else
  redis.call('SET', key, ARGV[1], 'PX', ARGV[3])
end
return { 'held' }
