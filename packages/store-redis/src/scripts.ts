import { createHash } from 'node:crypto'

/** One atomic operation on one key. Instants go as text, since Lua would print large numbers with an exponent. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

/** By how much a key outlives what is in it, in ms: for requests under way and clocks that drift. */
export const SLACK_MS = 60_000

/**
 * A key's time is counted from the session's own `lastSeenAt`: whatever the clocks of Redis and of the application say, it is
 * there until the record expires. An ending is published in the step that stores it; whoever may not publish ends sessions
 * all the same.
 */
const session = `
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
local function keep(seen, expires, before)
  local revision, state, _, _, data, rest, id, channel = unpack(ARGV)
  put(seen, expires, before, 'revision', revision, 'state', state, 'data', data, 'rest', rest)
  if state == 'ended' then redis.pcall('PUBLISH', channel, id) end
  return 1
end
`

/** Answers the record's six fields, each nil where there is no record. */
export const get: Script = script(`${session}return record()`)

/** ARGV: the six fields, id, channel. Where there is a record already, answers its fields. */
export const create: Script = script(`${session}
if redis.call('EXISTS', KEYS[1]) == 1 then return record() end
return keep(ARGV[3], ARGV[4])
`)

/** ARGV: the six fields, id, channel, the expected revision. A conflict answers the six fields that are there. */
export const replace: Script = script(`${session}
local old = redis.call('HMGET', KEYS[1], 'revision', 'lastSeenAt', 'expiresAt')
if old[1] ~= ARGV[9] then return record() end
local expires = ARGV[4]
if ARGV[2] ~= 'ended' then expires = later(expires, old[3]) end
return keep(later(ARGV[3], old[2]), expires, old[3])
`)

/** ARGV: lastSeenAt, expiresAt. */
export const touch: Script = script(`${session}
local old = redis.call('HMGET', KEYS[1], 'state', 'lastSeenAt', 'expiresAt')
if not old[1] or old[1] == 'ended' then return 0 end
put(later(ARGV[1], old[2]), later(ARGV[2], old[3]), old[3])
return 1
`)

export function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
