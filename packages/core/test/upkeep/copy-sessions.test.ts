import { type CopyReport, copySessions, createSessions, memoryStore, type Sessions } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { interrupted, next, pair, record } from './sessions-to-copy.ts'

const kept = (count: number): CopyReport => ({ created: 0, updated: 0, kept: count })
const updated: CopyReport = { created: 0, updated: 1, kept: 0 }

const ended = { state: 'ended', endedReason: 'signed-out' } as const

describe('copySessions', () => {
  it('copies every record as it is, and finds it there the next time', async () => {
    const { from, to } = pair()
    const records = Array.from({ length: 40 }, () => record())
    for (const each of records) await from.create(each)
    expect(await copySessions(from, to)).toEqual({ created: 40, updated: 0, kept: 0 })
    for (const each of records) expect(await to.get(each.id)).toEqual(each)
    expect(await copySessions(from, to)).toEqual(kept(40))
  })

  it('brings later writes, endings and visits', async () => {
    const { from, to } = pair()
    const [written, signedOut, seen] = [record(), record(), record()] as const
    for (const each of [written, signedOut, seen]) await from.create(each)
    await copySessions(from, to)
    const later = next(written, { data: '{"cart":["book"]}' })
    const over = next(signedOut, { ...ended, data: '{}' })
    await from.replace(later, written.revision)
    await from.replace(over, signedOut.revision)
    await from.touch(seen.id, seen.lastSeenAt + 5, seen.expiresAt + 5)
    expect(await copySessions(from, to)).toEqual({ created: 0, updated: 2, kept: 1 })
    expect((await to.get(written.id))?.data).toBe(later.data)
    expect((await to.get(signedOut.id))?.state).toBe('ended')
    expect((await to.get(seen.id))?.lastSeenAt).toBe(seen.lastSeenAt + 5)
  })

  it('leaves what was written at the other end since', async () => {
    const { from, to } = pair()
    const moved = record()
    await from.create(moved)
    await copySessions(from, to)
    const later = next(moved, { data: '{"at":"to"}' })
    await to.replace(later, moved.revision)
    expect(await copySessions(from, to)).toEqual(kept(1))
    expect(await to.get(moved.id)).toEqual(later)
  })

  it('leaves what was written at both ends as it is at the other one, though more was written here', async () => {
    const { from, to } = pair()
    const moved = record()
    await from.create(moved)
    await copySessions(from, to)
    const theirs = next(moved, { data: '{"at":"to"}' })
    await to.replace(theirs, moved.revision)
    const once = next(moved)
    await from.replace(once, moved.revision)
    await from.replace(next(once), once.revision)
    expect(await copySessions(from, to)).toEqual(kept(1))
    expect(await to.get(moved.id)).toEqual(theirs)
  })

  it.each([1, 8, 9, 30])('brings a session that is %i writes ahead', async (ahead) => {
    const { from, to } = pair()
    let latest = record()
    await from.create(latest)
    await copySessions(from, to)
    for (let made = 0; made < ahead; made += 1) {
      const written = next(latest, { data: `{"n":${made}}` })
      await from.replace(written, latest.revision)
      latest = written
    }
    expect(await copySessions(from, to)).toEqual(updated)
    expect(await to.get(latest.id)).toEqual(latest)
  })

  it('revives no session that ended at the other end, however much was written here', async () => {
    const { from, to } = pair()
    const moved = record()
    await from.create(moved)
    await copySessions(from, to)
    await to.replace(next(moved, ended), moved.revision)
    const once = next(moved)
    await from.replace(once, moved.revision)
    await from.replace(next(once), once.revision)
    expect(await copySessions(from, to)).toEqual(kept(1))
    expect((await to.get(moved.id))?.state).toBe('ended')
  })

  it('ends a session that ended here, however much was written at the other end', async () => {
    const { from, to } = pair()
    const moved = record()
    await from.create(moved)
    await copySessions(from, to)
    const once = next(moved)
    await to.replace(once, moved.revision)
    await to.replace(next(once), once.revision)
    await from.replace(next(moved, ended), moved.revision)
    expect(await copySessions(from, to)).toEqual(updated)
    expect((await to.get(moved.id))?.state).toBe('ended')
  })

  it('judges again when somebody writes at the other end in between', async () => {
    const { from, to } = pair()
    const moved = record()
    await from.create(moved)
    await copySessions(from, to)
    const once = next(moved)
    await from.replace(once, moved.revision)
    const live = interrupted(to, () => to.replace(next(moved, ended), moved.revision))
    expect(await copySessions(from, live)).toEqual(kept(1))
    expect((await to.get(moved.id))?.state).toBe('ended')
  })

  it('rejects with the error of a store when nothing is under way any more, and can be run again', async () => {
    const { from, to } = pair()
    for (let count = 0; count < 30; count += 1) await from.create(record())
    let open: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const failing = interrupted(to, async (_, call) => {
      if (call === 2) await gate
      if (call === 5) throw new Error('down')
    })
    const copy = copySessions(from, failing).then(
      () => 'copied',
      (error: Error) => error.message,
    )
    const race = Promise.race([copy, new Promise((resolve) => setTimeout(resolve, 20, 'still writing'))])
    expect(await race).toBe('still writing')
    open()
    expect(await copy).toBe('down')
    const { created, kept: there } = await copySessions(from, to)
    expect(created + there).toBe(30)
    expect(created).toBeGreaterThan(0)
  })

  it('stops when it is told to', async () => {
    const { from, to } = pair()
    await from.create(record())
    await expect(copySessions(from, to, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/)
    expect(await copySessions(from, to)).toEqual({ created: 1, updated: 0, kept: 0 })
  })
})

describe('moving while visitors write and sign out', () => {
  const key = Uint8Array.from({ length: 32 }, (_, at) => at * 7)
  const COUNT = 60

  it('revives nobody and loses nothing that was acknowledged, once copied again after the last write', async () => {
    const from = memoryStore()
    const to = memoryStore()
    const before = createSessions<Counted>({ store: from, keys: [key] })
    const cookies = await Promise.all(Array.from({ length: COUNT }, (_, at) => signIn(before, `user-${at}`)))
    const acknowledged = Array<number>(COUNT).fill(0)
    const signedOut = new Set<number>()
    let switched = false
    const traffic = cookies.map(async (cookie, at) => {
      while (!switched) {
        const session = await before.open({ cookie })
        if (at % 3 === 0 && acknowledged[at] === 1 + (at % 7)) session.signOut()
        else session.update('count', (count) => (count ?? 0) + 1)
        await session.commit()
        if (session.subject === null) return void signedOut.add(at)
        acknowledged[at]! += 1
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    let revised = 0
    while (signedOut.size < COUNT / 3) {
      revised += (await copySessions(from, to, { parallel: 3 })).updated
      await turn()
    }
    expect(revised).toBeGreaterThan(COUNT)
    switched = true
    await Promise.all(traffic)
    await copySessions(from, to)

    const after = createSessions<Counted>({ store: to, keys: [key] })
    const found = await Promise.all(cookies.map((cookie) => after.open({ cookie })))
    expect(found.map(({ subject }) => subject)).toEqual(
      cookies.map((_, at) => (signedOut.has(at) ? null : `user-${at}`)),
    )
    expect(found.map(({ data }) => data.count ?? 0)).toEqual(
      acknowledged.map((count, at) => (signedOut.has(at) ? 0 : count)),
    )
  })
})

interface Counted {
  count: number
}

async function signIn(sessions: Sessions<Counted>, subject: string): Promise<string> {
  const session = await sessions.open({ cookie: '' })
  session.signIn(subject)
  await session.commit()
  return session.toHeaders()[0]?.[1].split(';')[0] ?? ''
}
