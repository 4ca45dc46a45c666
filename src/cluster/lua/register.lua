-- Makes a node known, with a lease of some time.
-- ARGV: node, lease (ms)
-- Returns the memberships that it is known to have.
redis.call('SADD', P .. ':nodes', ARGV[1])
redis.call('SET', P .. ':lease:' .. ARGV[1], '1', 'PX', ARGV[2])
return redis.call('HKEYS', P .. ':node:' .. ARGV[1])
