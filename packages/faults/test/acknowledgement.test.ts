import { createSessions, type Session, type SessionStore } from '@sess/core'
import { UnreliableStore } from '@sess/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Connected, connect } from './connect.ts'
import { Counts } from './counts.ts'
import { keys } from './keys.ts'
import { targets } from './targets.ts'
import { facts, keepCookie } from './traffic.ts'

type Data = Record<string, unknown>
type Act = (session: Session<Data>) => void

for (const { name, title, missing, address } of targets()) {
  describe.skipIf(missing)(`an acknowledgement lost after the write was applied, ${title}`, () => {
    const counts = new Counts()
    let connected: Connected
    beforeAll(async () => {
      connected = await connect[name]!(address)
    })
    afterAll(async () => {
      counts.print(`acknowledgement lost, ${name}`)
      await connected?.close()
    })

    it('is found again when nobody wrote between: applied once, no error', async () => {
      const { loses, read } = await signedIn(connected.store, counts)
      expect(await loses('replace', add)).toEqual([])
      expect((await read()).data).toEqual({ n: 1, owner: 'ada' })
    })

    it('is found again when another one wrote between: both applied once, no conflict', async () => {
      const { loses, read, writesElsewhere } = await signedIn(connected.store, counts)
      expect(await loses('replace', add, writesElsewhere(add, 1))).toEqual([])
      expect((await read()).data).toEqual({ n: 2, owner: 'ada' })
    })

    it('is no reason to write again over what another one wrote to the same key', async () => {
      const { loses, read, writesElsewhere } = await signedIn(connected.store, counts)
      const set = (owner: string) => (session: Session<Data>) => {
        session.data.owner = owner
      }
      expect(await loses('replace', set('first'), writesElsewhere(set('second'), 1))).toEqual([])
      expect((await read()).data.owner).toBe('second')
    })

    it('counts although the session was signed out between', async () => {
      const { loses, read, writesElsewhere } = await signedIn(connected.store, counts)
      const signsOut = writesElsewhere((session) => session.signOut(), 1)
      expect(await loses('replace', add, signsOut)).toEqual([])
      expect(await read()).toMatchObject({ subject: null, previous: { reason: 'signed-out' } })
    })

    it('of a sign-out is a sign-out', async () => {
      const { loses, read } = await signedIn(connected.store, counts)
      const again = await loses('replace', (session) => session.signOut())
      // Written once more, for what was read may not be replicated.
      expect(again).toMatchObject([{ applied: true, answer: 'resolved', durability: 'replicated' }])
      expect(await read()).toMatchObject({ subject: null, previous: { reason: 'signed-out' } })
    })

    it('of a sign-in makes one session', async () => {
      const { store, sessions } = app(connected.store)
      store.loseAcknowledgement('create')
      const session = await sessions.open(facts(undefined))
      session.signIn('ada')
      await acknowledged(session, counts)
      expect((await sessions.open(facts(keepCookie(session, undefined)))).subject).toBe('ada')
      expect(store.log.filter(({ operation }) => operation === 'create')).toHaveLength(1)
    })

    it('after more writes than the record remembers is ambiguous, and not made again', async () => {
      const { store, sessions, cookie, read, writesElsewhere } = await signedIn(connected.store, counts)
      store.loseAcknowledgement('replace')
      store.after('replace', writesElsewhere(add, 9))
      const session = await sessions.open(facts(cookie))
      add(session)
      await expect(session.commit()).rejects.toMatchObject({ code: 'ERR_SESS_STORE_AMBIGUOUS', status: 503 })
      expect((await read()).data.n).toBe(10)
    })
  })
}

const add: Act = (session) => session.update('n', (n) => Number(n ?? 0) + 1)

function app(durable: SessionStore) {
  const store = new UnreliableStore(durable)
  return { store, sessions: createSessions<Data>({ store, keys, onOverwrite: 'throw' }) }
}

async function acknowledged(session: Session<Data>, counts: Counts): Promise<void> {
  counts.requests += 1
  await session.commit().catch((error: unknown) => {
    counts.fail(error)
    throw error
  })
  counts.acknowledged += 1
}

/** Somebody who is signed in, on a store that can lose an answer. */
async function signedIn(durable: SessionStore, counts: Counts) {
  const { store, sessions } = app(durable)
  const session = await sessions.open(facts(undefined))
  session.signIn('ada')
  Object.assign(session.data, { n: 0, owner: 'ada' })
  await session.commit()
  const cookie = keepCookie(session, undefined)
  const read = () => sessions.open(facts(cookie))
  const writesElsewhere = (act: Act, times: number) => async (under: SessionStore) => {
    const other = createSessions<Data>({ store: under, keys })
    for (let time = 0; time < times; time += 1) {
      const elsewhere = await other.open(facts(cookie))
      act(elsewhere)
      await elsewhere.commit()
    }
  }
  /** The writes that followed the one whose answer was lost. */
  const loses = async (operation: 'replace', act: Act, between?: (under: SessionStore) => Promise<void>) => {
    store.reset()
    store.loseAcknowledgement(operation)
    if (between !== undefined) store.after(operation, between)
    const current = await read()
    act(current)
    await acknowledged(current, counts)
    const [lost, ...again] = store.log.filter((call) => call.operation === operation)
    expect(lost).toMatchObject({ applied: true, answer: 'rejected' })
    counts.twice += again.filter(({ durability }) => durability === null).length
    return again
  }
  return { store, sessions, cookie, read, writesElsewhere, loses }
}
