-- The whole state: the state stream's last id, its version, each node with its members, and the decisions.
local last = redis.call('XREVRANGE', P .. ':state', '+', '-', 'COUNT', 1)[1]
local nodes = {}
for _, node in ipairs(redis.call('SMEMBERS', P .. ':nodes')) do
  nodes[#nodes + 1] = node
  nodes[#nodes + 1] = redis.call('HGETALL', P .. ':node:' .. node)
end
return { last and last[1] or '0-0', redis.call('GET', P .. ':state:version') or '0', nodes,
  redis.call('HGETALL', P .. ':decisions') }
