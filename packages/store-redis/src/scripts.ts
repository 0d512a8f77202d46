import { createHash } from 'node:crypto'

/** One atomic operation on one key. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

/** By how much a key outlives its record, in ms: for requests under way and clocks that drift. */
const SLACK_MS = 60_000

/**
 * A key's time is counted from the session's own `lastSeenAt`: whatever the clocks of Redis and of the application say, it is
 * there until the record expires. Instants go as text, since Lua would print large numbers with an exponent.
 */
const shared = `
local function record()
  return redis.call('HMGET', KEYS[1], 'revision', 'state', 'lastSeenAt', 'expiresAt', 'data', 'rest')
end
local function later(a, b)
  if tonumber(a) > tonumber(b) then return a end
  return b
end
local function put(seen, expires, before, ...)
  redis.call('HSET', KEYS[1], 'lastSeenAt', seen, 'expiresAt', expires, ...)
  if expires == before then return end
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(expires - seen, 0) + ${SLACK_MS}))
end
`

/** Answers the record's six fields, each nil where there is no record. */
export const get: Script = script('return record()')

/** ARGV: the six fields. Where there is a record already, answers its fields. */
export const create: Script = script(`
local revision, state, seen, expires, data, rest = unpack(ARGV)
if redis.call('EXISTS', KEYS[1]) == 1 then return record() end
put(seen, expires, nil, 'revision', revision, 'state', state, 'data', data, 'rest', rest)
return 1
`)

/** ARGV: the six fields, the expected revision. A conflict answers the six fields that are there. */
export const replace: Script = script(`
local revision, state, seen, expires, data, rest, expected = unpack(ARGV)
local old = redis.call('HMGET', KEYS[1], 'revision', 'lastSeenAt', 'expiresAt')
if old[1] ~= expected then return record() end
if state ~= 'ended' then expires = later(expires, old[3]) end
put(later(seen, old[2]), expires, old[3], 'revision', revision, 'state', state, 'data', data, 'rest', rest)
return 1
`)

/** ARGV: lastSeenAt, expiresAt. */
export const touch: Script = script(`
local old = redis.call('HMGET', KEYS[1], 'state', 'lastSeenAt', 'expiresAt')
if not old[1] or old[1] == 'ended' then return 0 end
put(later(ARGV[1], old[2]), later(ARGV[2], old[3]), old[3])
return 1
`)

function script(body: string): Script {
  const text = `${shared}${body}`
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
