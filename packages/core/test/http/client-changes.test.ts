import { createSessions, memoryStore, type RequestFacts, type SessEvent } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { type Change, honest, type Look, locate, posing, thefts } from './client-changes.ts'

function factsOf({ userAgent, languages, ip, hints, ja4 }: Look): RequestFacts {
  const headers = {
    'user-agent': userAgent,
    'accept-language': languages,
    'sec-ch-ua': hints?.[0],
    'sec-ch-ua-platform': hints?.[1],
    'sec-ch-ua-mobile': hints?.[2],
    'x-ja4': ja4,
  }
  return { secure: true, headers, ip }
}

/** What a signed-in session that goes from one look to the other meets. */
async function verdictOf({ from, to }: Change, level: 'standard' | 'strict'): Promise<string> {
  const signals = { ja4: { header: 'X-JA4', weight: 60 } }
  const sessions = createSessions({ store: memoryStore(), fingerprint: { level, locate, signals } })
  const events: SessEvent<'fingerprint-changed'>[] = []
  sessions.on('fingerprint-changed', (event) => events.push(event))
  const session = await sessions.open(factsOf(from))
  session.signIn('ada')
  await session.commit()
  const cookie = session.toHeaders()[0]?.[1].split(';')[0]
  const { headers, ...rest } = factsOf(to)
  const later = await sessions.open({ ...rest, headers: { ...headers, cookie } })
  await sessions.flushEvents()
  const verdict = events[0]?.verdict ?? 'ok'
  expect(events.length).toBe(verdict === 'ok' ? 0 : 1)
  const enforced = verdict === 'lock' || verdict === 'end'
  expect(events[0]?.enforced ?? false).toBe(enforced)
  const states = { ok: 'authenticated', observe: 'authenticated', lock: 'locked', end: 'anonymous' }
  expect(later.state).toBe(states[verdict])
  return verdict
}

const groups = [
  ...Object.entries(honest),
  ['a browser poses as another', posing],
  ['a cookie is stolen', thefts],
] as const

describe.each(groups)('%s', (_, changes) => {
  it.each(changes)('$what: $standard, strict $strict', async (change) => {
    expect(await verdictOf(change, 'standard')).toBe(change.standard)
    expect(await verdictOf(change, 'strict')).toBe(change.strict)
  })
})

describe('the table', () => {
  const legitimate = Object.values(honest).flat()

  it('has more than eighty changes of honest clients, each once', () => {
    expect(legitimate.length).toBeGreaterThan(80)
    const named = groups.flatMap(([group, changes]) => changes.map(({ what }) => `${group}: ${what}`))
    expect(new Set(named).size).toBe(named.length)
  })

  it('locks nobody who is honest', () => {
    const locks = ['lock', 'end']
    expect([...legitimate, ...posing].filter(({ standard }) => locks.includes(standard))).toEqual([])
    expect(legitimate.filter(({ strict }) => locks.includes(strict))).toEqual([])
  })
})
