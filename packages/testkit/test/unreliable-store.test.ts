import { type MemoryStore, memoryStore, type SessionRecord, type SessionStore } from '@sess/core'
import { describe, expect, it } from 'vitest'
import {
  endingsCases,
  pruneCases,
  register,
  scanCases,
  storeCases,
  storeKit,
  subjectIndexCases,
  UnreliableStore,
} from '../src/index.ts'
import { type PowerStore, powerStore } from './power-store.ts'

describe('left alone, it keeps the promises of the store it wraps', () => {
  // It has the powers of what it wraps.
  const open = storeKit(() => new UnreliableStore(memoryStore()) as UnreliableStore & MemoryStore)
  register(storeCases, open, { it })
  register(subjectIndexCases, open, { it })
  register(endingsCases, open, { it })
  register(scanCases, open, { it })
  register(
    pruneCases,
    storeKit(() => new UnreliableStore(powerStore()) as UnreliableStore & PowerStore),
    { it },
  )
})

describe('what it remembers', () => {
  it('counts calls by operation', async () => {
    const { store, first, second } = await stored()
    expect(store.calls).toEqual({ get: 0, create: 0, replace: 0, touch: 0 })
    await store.get(first.id)
    await store.get(first.id)
    await store.create(first)
    await store.replace(second, first.revision)
    await store.touch(first.id, first.lastSeenAt, first.expiresAt)
    expect(store.calls).toEqual({ get: 2, create: 1, replace: 1, touch: 1 })
  })

  it('logs what was asked, what was applied and what was answered', async () => {
    const { store, first, second } = await stored()
    store.loseAcknowledgement('replace')
    store.fail('get')
    await store.replace(second, first.revision, { durability: 'replicated' }).catch(() => {})
    await store.get(first.id).catch(() => {})
    await store.touch(first.id, 1, 1)
    const { id } = first
    expect(store.log).toEqual([
      { operation: 'replace', id, record: second, durability: 'replicated', applied: true, answer: 'rejected' },
      { operation: 'get', id, record: null, durability: null, applied: false, answer: 'rejected' },
      { operation: 'touch', id, record: null, durability: null, applied: true, answer: 'resolved' },
    ])
  })

  it('forgets everything on reset, commands included', async () => {
    const { store, first } = await stored()
    store.fail('any', { times: Number.POSITIVE_INFINITY })
    store.before('get', () => Promise.reject(new Error('hook')))
    await expect(store.get(first.id)).rejects.toThrow('failed')
    store.reset()
    expect(store.calls.get).toBe(0)
    expect(await store.get(first.id)).toEqual(first)
  })
})

describe('fail', () => {
  it('rejects the next n calls of the operation before applying them', async () => {
    const { store, inner, first, second } = await stored()
    store.fail('replace', { times: 2 })
    await expect(store.replace(second, first.revision)).rejects.toThrow('failed')
    await expect(store.replace(second, first.revision)).rejects.toThrow('failed')
    expect(await inner.get(first.id)).toEqual(first)
    expect(await store.get(first.id)).toEqual(first)
    expect(await store.replace(second, first.revision)).toEqual({ ok: true })
  })

  it('fails only the calls it is for', async () => {
    const { store, first, second } = await stored()
    store.fail('replace', { when: ({ record }) => record?.state === 'ended' })
    expect(await store.replace(second, first.revision)).toEqual({ ok: true })
    const ended: SessionRecord = { ...second, state: 'ended', revision: '2.x' }
    await expect(store.replace(ended, second.revision)).rejects.toThrow('failed')
  })

  it('fails whichever operation comes when told any', async () => {
    const { store, first } = await stored()
    store.fail('any', { times: 2 })
    await expect(store.get(first.id)).rejects.toThrow('failed')
    await expect(store.touch(first.id, 1, 1)).rejects.toThrow('failed')
    expect(await store.get(first.id)).toEqual(first)
  })
})

describe('loseAcknowledgement', () => {
  it('applies the write and rejects', async () => {
    const { store, inner, first, second } = await stored()
    store.loseAcknowledgement('replace')
    await expect(store.replace(second, first.revision)).rejects.toThrow('acknowledgement lost')
    expect(await inner.get(first.id)).toEqual(second)
  })

  it('lets another writer in between with an after hook', async () => {
    const { store, inner, first, second } = await stored()
    const third: SessionRecord = { ...second, revision: '2.other' }
    store.loseAcknowledgement('replace')
    store.after('replace', (underlying) => underlying.replace(third, second.revision))
    await expect(store.replace(second, first.revision)).rejects.toThrow('acknowledgement lost')
    expect(await inner.get(first.id)).toEqual(third)
    expect(store.calls.replace).toBe(1)
  })
})

describe('hold', () => {
  it('applies and answers only when the gate is opened', async () => {
    const { store, inner, first, second } = await stored()
    const gate = store.hold('replace')
    const answer = store.replace(second, first.revision)
    await gate.reached
    expect(await inner.get(first.id)).toEqual(first)
    expect(store.log).toMatchObject([{ applied: false, answer: 'none' }])
    await gate.open()
    expect(await inner.get(first.id)).toEqual(second)
    expect(await answer).toEqual({ ok: true })
  })

  it('is not called back by an abort', async () => {
    const { store, inner, first, second } = await stored()
    const gate = store.hold('replace')
    const controller = new AbortController()
    const answer = store.replace(second, first.revision, { signal: controller.signal })
    controller.abort()
    await gate.open()
    expect(await answer).toEqual({ ok: true })
    expect(await inner.get(first.id)).toEqual(second)
  })

  it('holds several calls and lets later ones through once open', async () => {
    const { store, first } = await stored()
    const gate = store.hold('get', { times: 3 })
    const held = [store.get(first.id), store.get(first.id)]
    await gate.open()
    expect(await Promise.all(held)).toEqual([first, first])
    expect(await store.get(first.id)).toEqual(first)
  })

  it('opens although a held call fails', async () => {
    const { store, first } = await stored()
    store.before('get', () => Promise.reject(new Error('hook failed')))
    const gate = store.hold('get')
    const answer = store.get(first.id)
    await Promise.all([gate.open(), expect(answer).rejects.toThrow('hook failed')])
  })
})

describe('hang', () => {
  it('answers only with the reason of the abort, and applies nothing', async () => {
    const { store, inner, first, second } = await stored()
    store.hang('replace')
    const controller = new AbortController()
    const answer = store.replace(second, first.revision, { signal: controller.signal })
    await inner.get(first.id)
    expect(store.log).toMatchObject([{ applied: false, answer: 'none' }])
    controller.abort(new Error('out of patience'))
    await expect(answer).rejects.toThrow('out of patience')
    expect(await inner.get(first.id)).toEqual(first)
  })

  it('rejects at once when the signal is aborted already', async () => {
    const { store, first } = await stored()
    store.hang('get')
    await expect(store.get(first.id, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late')
  })
})

describe('applyLate', () => {
  it('rejects now and applies when the gate is opened', async () => {
    const { store, inner, first, second } = await stored()
    const gate = store.applyLate('replace')
    await expect(store.replace(second, first.revision)).rejects.toThrow('applied late')
    expect(await store.get(first.id)).toEqual(first)
    await gate.open()
    expect(await inner.get(first.id)).toEqual(second)
    expect(store.log[0]).toMatchObject({ applied: true, answer: 'rejected' })
  })

  it('comes to nothing when the retry was faster', async () => {
    const { store, inner, first, second } = await stored()
    const gate = store.applyLate('replace')
    await store.replace(second, first.revision).catch(() => {})
    const retried: SessionRecord = { ...second, revision: '1.retry' }
    expect(await store.replace(retried, first.revision)).toEqual({ ok: true })
    await gate.open()
    expect(await inner.get(first.id)).toEqual(retried)
  })
})

describe('before', () => {
  it('runs another writer right before the call is applied', async () => {
    const { store, first, second } = await stored()
    const other: SessionRecord = { ...second, revision: '1.other' }
    store.before('replace', (underlying, { record }) => {
      expect(record).toEqual(second)
      return underlying.replace(other, first.revision)
    })
    expect(await store.replace(second, first.revision)).toEqual({ ok: false, current: other })
    expect(store.calls.replace).toBe(1)
  })

  it('does not run for a call that is never applied', async () => {
    const { store, first } = await stored()
    let ran = false
    store.before('get', () => {
      ran = true
    })
    store.fail('get')
    await expect(store.get(first.id)).rejects.toThrow('failed')
    expect(ran).toBe(false)
  })
})

describe('what it passes through', () => {
  it('tells of evictions where the store can', async () => {
    const store = new UnreliableStore(memoryStore({ max: 1 }))
    const { record } = await storeKit(() => store)()
    const evicted: string[] = []
    const unsubscribe = store.onEvict?.((handle) => evicted.push(handle))
    const records = [record(), record(), record()]
    await store.create(records[0] as SessionRecord)
    await store.create(records[1] as SessionRecord)
    unsubscribe?.()
    await store.create(records[2] as SessionRecord)
    expect(evicted).toEqual([records[0]?.id])
  })

  it('has no power that the store has not, and is as durable as it', () => {
    const { get, create, replace, touch } = memoryStore()
    const plain: SessionStore = { durable: true, get, create, replace, touch }
    const store = new UnreliableStore(plain)
    const powers = ['admit', 'listBySubject', 'onEnding', 'onEvict', 'prune', 'scan']
    expect(powers.filter((power) => power in store)).toEqual([])
    expect(powers.filter((power) => power in new UnreliableStore(memoryStore()))).toEqual(
      powers.filter((power) => power !== 'prune'),
    )
    expect(store.durable).toBe(true)
  })
})

describe('the index of subjects', () => {
  const list = async (store: MemoryStore, subject: string | null) => {
    const ids: string[] = []
    for await (const { id } of store.listBySubject(subject ?? '', 0)) ids.push(id)
    return ids
  }

  it('is counted and logged like the port', async () => {
    const { store, first } = await stored()
    await list(store, first.subject)
    await store.admit(admissionOf(first), { durability: 'replicated' })
    expect(store.calls).toMatchObject({ admit: 1, listBySubject: 1 })
    const common = { record: null, applied: true, answer: 'resolved' }
    expect(store.log).toEqual([
      { operation: 'listBySubject', id: first.subject, durability: null, ...common },
      { operation: 'admit', id: first.id, durability: 'replicated', ...common },
    ])
  })

  it('loses the acknowledgement of an admission that counts', async () => {
    const { store, inner, first, second } = await stored()
    const coming = { ...second, id: 'coming' }
    store.loseAcknowledgement('admit')
    await expect(store.admit(admissionOf(coming))).rejects.toThrow('acknowledgement lost')
    expect(await inner.admit(admissionOf(coming))).toEqual({ ok: true, evicted: [first.id] })
  })

  it('fails a list as a whole, hangs it and holds it', async () => {
    const { store, first } = await stored()
    store.loseAcknowledgement('listBySubject')
    await expect(list(store, first.subject)).rejects.toThrow('acknowledgement lost')
    store.fail('any')
    await expect(list(store, first.subject)).rejects.toThrow('failed')
    store.hang('listBySubject')
    const entries = store.listBySubject(first.subject ?? '', 0, { signal: AbortSignal.abort(new Error('too late')) })
    await expect(entries[Symbol.asyncIterator]().next()).rejects.toThrow('too late')
    const gate = store.hold('listBySubject')
    const listed = list(store, first.subject)
    await gate.reached
    await gate.open()
    expect(await listed).toEqual([first.id])
  })
})

function admissionOf({ id, subject, createdAt, absoluteAt }: SessionRecord): Parameters<MemoryStore['admit']>[0] {
  const asked = { id, subject: subject ?? '', at: createdAt, deadline: absoluteAt, abandonedBefore: 0 }
  return { ...asked, limit: 1, uncounted: [], victims: [] }
}

async function stored() {
  const inner = memoryStore()
  const store = new UnreliableStore(inner) as UnreliableStore & MemoryStore
  const { record, next } = await storeKit(() => store)()
  const first = record()
  const second = next(first, { data: '{"n":1}' })
  await inner.create(first)
  return { store, inner, first, second }
}
