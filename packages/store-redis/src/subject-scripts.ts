import { type Script, SLACK_MS, script } from './scripts.ts'

/**
 * The sessions of one subject are one hash in a slot of its own. Each has a field: its handle, and when it was announced,
 * its absolute deadline and, if it has to go, `evicted`; `over` if it has ended and a `create()` may still be on its way. The key's time is counted from the sessions' own instants and covers
 * the latest deadline. Announcing what is there already writes too: a WAIT behind it then covers the first announcement.
 */
const index = `
local function announce(id, at, deadline)
  redis.call('HSETNX', KEYS[1], id, at .. ' ' .. deadline)
  local stay = math.max(math.max(deadline - at, 0) + ${SLACK_MS}, redis.call('PTTL', KEYS[1]))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', stay))
  return 1
end
-- Answers who counts, with the instants of their announcement, and who has to go; forgets those past their deadline.
local function sift(entries, at)
  local living, marked = {}, {}
  for each = 1, #entries, 2 do
    local announced, deadline, mark = string.match(entries[each + 1], '(%S+) (%S+)(.*)')
    if tonumber(deadline) <= tonumber(at) then redis.call('HDEL', KEYS[1], entries[each])
    elseif mark == '' then living[entries[each]] = tonumber(announced)
    elseif mark == ' evicted' then table.insert(marked, entries[each]) end
  end
  return living, marked
end
`

/**
 * ARGV: id, when it is announced, deadline. Sifts a few others: where nobody lists the subject or limits it, that keeps the
 * hash from growing for ever.
 */
export const announce: Script = script(`${index}
sift(redis.call('HRANDFIELD', KEYS[1], 4, 'WITHVALUES'), ARGV[2])
return announce(unpack(ARGV))
`)

/**
 * ARGV: id, now, deadline, limit, JSON of uncounted, JSON of victims. Answers 1 if the session is announced, else 0, and
 * the handles of those that have to go.
 */
export const admit: Script = script(`${index}
local id, at, deadline, limit, uncounted, victims = unpack(ARGV)
local living, marked = sift(redis.call('HGETALL', KEYS[1]), at)
if redis.call('HEXISTS', KEYS[1], id) == 0 then
  for _, each in ipairs(cjson.decode(uncounted)) do living[each] = nil end
  local queue = {}
  for each in pairs(living) do table.insert(queue, each) end
  local tooMany = #queue + 1 - limit
  if tooMany > 0 and victims == 'null' then return {0, marked} end
  if tooMany > 0 then
    for place, each in ipairs(cjson.decode(victims)) do living[each] = living[each] and place - 2 ^ 53 end
    table.sort(queue, function(a, b) return living[a] < living[b] end)
  end
  for place = 1, tooMany do
    redis.call('HSET', KEYS[1], queue[place], redis.call('HGET', KEYS[1], queue[place]) .. ' evicted')
    table.insert(marked, queue[place])
  end
end
return {announce(id, at, deadline), marked}
`)

/** ARGV: a cursor, '0' first. Answers the next one, '0' last, and some handles with the instants of their announcement. */
export const page: Script = script(`
local found, page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 250), {}
for each = 1, #found[2], 2 do table.insert(page, {found[2][each], string.match(found[2][each + 1], '%S+')}) end
return {found[1], page}
`)

/**
 * ARGV: an instant, and handles of sessions that have ended or never came. Those announced before the instant are forgotten;
 * the others stay as `over`, so that a late `create()` does not announce them anew.
 */
export const forget: Script = script(`
for each = 2, #ARGV do
  local announced, deadline = string.match(redis.call('HGET', KEYS[1], ARGV[each]) or '', '(%S+) (%S+)')
  if announced and tonumber(announced) >= tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], ARGV[each], announced .. ' ' .. deadline .. ' over')
  elseif announced then redis.call('HDEL', KEYS[1], ARGV[each]) end
end
return 1
`)
