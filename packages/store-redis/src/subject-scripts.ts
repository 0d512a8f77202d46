import { type Script, SLACK_MS, script } from './scripts.ts'

/**
 * The sessions of one subject are one hash, in a slot of its own: handle → when it was announced, its absolute deadline, its
 * place in the order of admission, and `evicted` if it has to go. The field '' counts announcements. The key's time is
 * counted from the sessions' own instants and covers the latest deadline. Announcing what is there already writes too: a
 * WAIT behind it then covers the first announcement.
 */
const subject = `
local function announce(id, announced, deadline)
  local place = redis.call('HINCRBY', KEYS[1], '', 1)
  redis.call('HSETNX', KEYS[1], id, table.concat({announced, deadline, place}, ' '))
  local stay = math.max(deadline - announced, 0) + ${SLACK_MS}
  if redis.call('PTTL', KEYS[1]) < stay then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', stay)) end
  return 1
end
local function forgetIfOver(id, entry, at)
  local deadline = string.match(entry, ' (%S+)')
  return deadline and tonumber(deadline) <= tonumber(at) and redis.call('HDEL', KEYS[1], id) == 1
end
`

/**
 * ARGV: id, when it was announced, deadline. Looks whether a few others are past their deadline: where nobody ever lists
 * the subject or limits it, that keeps the hash from growing for ever.
 */
export const announce: Script = script(`${subject}
announce(unpack(ARGV))
local some = redis.call('HRANDFIELD', KEYS[1], 4, 'WITHVALUES')
for each = 1, #some, 2 do forgetIfOver(some[each], some[each + 1], ARGV[2]) end
return 1
`)

/**
 * ARGV: id, now, deadline, limit, JSON of uncounted, JSON of victims. Answers 1 if the session is announced, else 0, and
 * the handles of those that have to go.
 */
export const admit: Script = script(`${subject}
local id, at, deadline, limit, uncounted, victims = unpack(ARGV)
local answer, rank, queue = {1}, {}, {}
local all = redis.call('HGETALL', KEYS[1])
for each = 1, #all, 2 do
  local place, evicted = string.match(all[each + 1], ' %S+ (%d+)(.*)')
  if place and not forgetIfOver(all[each], all[each + 1], at) then
    if evicted == '' then rank[all[each]] = tonumber(place) else table.insert(answer, all[each]) end
  end
end
if redis.call('HEXISTS', KEYS[1], id) == 0 then
  for _, each in ipairs(cjson.decode(uncounted)) do rank[each] = nil end
  for each in pairs(rank) do table.insert(queue, each) end
  local tooMany = #queue + 1 - limit
  if tooMany > 0 then
    if victims == 'null' then
      answer[1] = 0
      return answer
    end
    local named = cjson.decode(victims)
    for place, each in ipairs(named) do rank[each] = rank[each] and place - #named end
    table.sort(queue, function(a, b) return rank[a] < rank[b] end)
  end
  for place = 1, tooMany do
    redis.call('HSET', KEYS[1], queue[place], redis.call('HGET', KEYS[1], queue[place]) .. ' evicted')
    table.insert(answer, queue[place])
  end
end
announce(id, at, deadline)
return answer
`)

/** ARGV: a cursor, '0' first. Answers the next one, '0' last, and some handles with the instants of their announcement. */
export const page: Script = script(`
local found, entries = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 250), {}
for each = 1, #found[2], 2 do
  local announced = string.match(found[2][each + 1], '(%S+) ')
  if announced then table.insert(entries, {found[2][each], announced}) end
end
return {found[1], entries}
`)

/** ARGV: handles. */
export const forget: Script = script(`return redis.call('HDEL', KEYS[1], unpack(ARGV))`)
