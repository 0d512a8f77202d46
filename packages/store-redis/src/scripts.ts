import { createHash } from 'node:crypto'

/** One atomic operation on one key. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

/** Instants go as text: Lua would print a large number with an exponent. */
const shared = `
local function record()
  return redis.call('HMGET', KEYS[1], 'revision', 'state', 'lastSeenAt', 'expiresAt', 'data', 'rest')
end
local function later(a, b)
  if tonumber(a) > tonumber(b) then return a end
  return b
end
local function expire(seen, expires, slack)
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(tonumber(expires) - tonumber(seen), 0) + tonumber(slack)))
end
`

/** Answers the record's six fields, all nil where there is none. Not a read command, so that no replica answers it. */
export const get: Script = script('return record()')

/** ARGV: slack, the six fields. */
export const create: Script = script(`
local slack, revision, state, seen, expires, data, rest = unpack(ARGV)
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1],
  'revision', revision, 'state', state, 'lastSeenAt', seen, 'expiresAt', expires, 'data', data, 'rest', rest)
expire(seen, expires, slack)
return 1
`)

/** ARGV: slack, the six fields, the expected revision. A conflict answers the six fields that are there. */
export const replace: Script = script(`
local slack, revision, state, seen, expires, data, rest, expected = unpack(ARGV)
local old = redis.call('HMGET', KEYS[1], 'revision', 'lastSeenAt', 'expiresAt')
if old[1] ~= expected then return record() end
seen = later(seen, old[2])
if state ~= 'ended' then expires = later(expires, old[3]) end
redis.call('HSET', KEYS[1],
  'revision', revision, 'state', state, 'lastSeenAt', seen, 'expiresAt', expires, 'data', data, 'rest', rest)
if expires ~= old[3] then expire(seen, expires, slack) end
return 1
`)

/** ARGV: slack, lastSeenAt, expiresAt. */
export const touch: Script = script(`
local slack, seen, expires = unpack(ARGV)
local old = redis.call('HMGET', KEYS[1], 'state', 'lastSeenAt', 'expiresAt')
if not old[1] or old[1] == 'ended' then return 0 end
seen = later(seen, old[2])
expires = later(expires, old[3])
if seen ~= old[2] or expires ~= old[3] then
  redis.call('HSET', KEYS[1], 'lastSeenAt', seen, 'expiresAt', expires)
end
if expires ~= old[3] then expire(seen, expires, slack) end
return 1
`)

function script(body: string): Script {
  const text = `${shared.trimStart()}${body.trimStart()}`
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
