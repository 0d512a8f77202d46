// An application in a process of its own; workers.ts bundles and forks it, and asks it for the `tasks` below.
import { createSessions, SessError, SessionInterruptedError } from '@sess/core'
import { connect } from './connect.ts'
import { keys } from './keys.ts'
import { facts, keepCookie } from './traffic.ts'

/** What a request found, and the cookie its browser has now. */
export interface Visit {
  readonly subject: string | null
  readonly reason: string | null
  readonly generation: number | null
  readonly data: Record<string, unknown>
  readonly cookie: string | undefined
}

/** How many writes were acknowledged, and what became of the others. */
export interface Written {
  acknowledged: number
  interrupted: number
  failed: string[]
}

const [kind = '', address = ''] = process.argv.slice(2)
const { store, close } = await connect[kind]!(address)
let now = Date.now
const sessions = createSessions<Record<string, unknown>>({
  store,
  keys,
  clock: { now: () => now() },
  // The least overlap that the others allow. A slow machine is no fault that is looked for here.
  overlap: '20s',
  clockSkew: '5s',
  storeTimeout: '10s',
  rotateEvery: '60s',
  idle: '5m',
})

const increment = (key: string) => async (cookie: string | undefined) => {
  const session = await sessions.open(facts(cookie))
  if (session.subject === null) throw new SessionInterruptedError('ended', 'signed out')
  session.update(key, (n) => Number(n ?? 0) + 1)
  await session.commit()
}

async function count(written: Written, write: () => Promise<void>): Promise<void> {
  try {
    await write()
    written.acknowledged += 1
  } catch (error) {
    if (error instanceof SessionInterruptedError) written.interrupted += 1
    else written.failed.push(error instanceof SessError ? error.code : `${error}`)
  }
}

const nothingWritten = (): Written => ({ acknowledged: 0, interrupted: 0, failed: [] })

/** What a worker can be asked for. */
export const tasks = {
  /** One request, at a moment of true time, by a clock that is wrong by `skewMs`. */
  async visit(input: { cookie?: string; at?: number; skewMs?: number; signIn?: string }): Promise<Visit> {
    const { at, skewMs = 0 } = input
    now = at === undefined ? Date.now : () => at + skewMs
    const session = await sessions.open(facts(input.cookie))
    if (input.signIn !== undefined) session.signIn(input.signIn)
    const { subject, generation, previous } = session
    const data = { ...session.data }
    await session.commit()
    return { subject, generation, data, reason: previous?.reason ?? null, cookie: keepCookie(session, input.cookie) }
  },

  /** One writer per key, side by side, each with `times` increments of it. A key may be there twice. */
  async increments(input: { cookie: string; times: number; keys: readonly string[] }): Promise<Written> {
    const written = nothingWritten()
    const writer = async (key: string) => {
      const write = increment(key)
      for (let time = 0; time < input.times; time += 1) await count(written, () => write(input.cookie))
    }
    await Promise.all(input.keys.map(writer))
    return written
  },

  /** Signs all of them out, `parallel` at a time; whoever gets an error tries again, as people do. */
  async signOut(input: { cookies: string[]; parallel: number }): Promise<Written> {
    const written = nothingWritten()
    const queue = [...input.cookies]
    const signOut = async (cookie: string) => {
      const session = await sessions.open(facts(cookie))
      session.signOut()
      await session.commit()
    }
    const worker = async () => {
      for (let cookie = queue.shift(); cookie !== undefined; ) {
        const again = cookie
        const own = nothingWritten()
        await count(own, () => signOut(again))
        written.acknowledged += own.acknowledged
        written.failed.push(...own.failed)
        if (own.failed.length === 0) cookie = queue.shift()
      }
    }
    await Promise.all(Array.from({ length: input.parallel }, worker))
    return written
  },

  /** Writes to all of them, side by side, until each is signed out. */
  async writeUntilSignedOut(input: { cookies: string[] }): Promise<Written> {
    const written = nothingWritten()
    const write = increment('n')
    const writer = async (cookie: string) => {
      const own = nothingWritten()
      while (own.interrupted === 0) {
        await count(own, () => write(cookie))
      }
      written.acknowledged += own.acknowledged
      written.interrupted += own.interrupted
      written.failed.push(...own.failed)
    }
    await Promise.all(input.cookies.map(writer))
    return written
  },
}

process.on(
  'message',
  async (message: { readonly id: number; readonly task: keyof typeof tasks; readonly input: never }) => {
    try {
      process.send?.({ id: message.id, result: await tasks[message.task](message.input) })
    } catch (error) {
      process.send?.({ id: message.id, error: `${error instanceof Error ? error.stack : error}` })
    }
  },
)
process.once('disconnect', () => close())
process.send?.('ready')
