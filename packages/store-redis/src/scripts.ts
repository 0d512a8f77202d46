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
 * there until the record expires.
 */
const session = `
local function record()
  return redis.call('HMGET', KEYS[1], 'revision', 'state', 'lastSeenAt', 'expiresAt', 'data', 'rest')
end
local function later(a, b)
  if b and tonumber(b) > tonumber(a) then return b end
  return a
end
local function set(seen, expires, before, ...)
  redis.call('HSET', KEYS[1], 'lastSeenAt', seen, 'expiresAt', expires, ...)
  if expires == before then return end
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(expires - seen, 0) + ${SLACK_MS}))
end
`

/** Answers the record's six fields, each nil where there is no record. */
export const get: Script = script(`${session}return record()`)

/**
 * ARGV: the six fields, id, channel, the expected revision; without the last, only where there is no record. A conflict
 * answers the six fields that are there. An ending is published in the same step; whoever may not publish ends sessions all
 * the same.
 */
export const put: Script = script(`${session}
local revision, state, seen, expires, data, rest, id, channel, expected = unpack(ARGV)
local old = redis.call('HMGET', KEYS[1], 'revision', 'lastSeenAt', 'expiresAt')
if old[1] ~= (expected or false) then return record() end
if state ~= 'ended' then expires = later(expires, old[3]) end
set(later(seen, old[2]), expires, old[3], 'revision', revision, 'state', state, 'data', data, 'rest', rest)
if state == 'ended' then redis.pcall('PUBLISH', channel, id) end
return 1
`)

/** ARGV: lastSeenAt, expiresAt. */
export const touch: Script = script(`${session}
local old = redis.call('HMGET', KEYS[1], 'state', 'lastSeenAt', 'expiresAt')
if not old[1] or old[1] == 'ended' then return 0 end
set(later(ARGV[1], old[2]), later(ARGV[2], old[3]), old[3])
return 1
`)

export function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
