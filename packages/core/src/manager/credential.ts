import { credentialDigest, findEqual, requireStamp } from '../crypto/credential.ts'
import type { Token } from '../crypto/token.ts'
import { type SessionRecord, writes } from '../kernel/record.ts'
import { rejudge } from '../kernel/rejudge.ts'
import { endWith, type Pending } from './intents.ts'
import { reportFailure } from './load.ts'
import { type Budget, callStore, withBudget } from './store-gate.ts'
import { swap } from './swap.ts'
import type { Visit } from './visit.ts'

/** The stamp that the next commit writes: of the last proof that gave one, else of the sign-in. */
export function pendingStamp({ steps, signIn }: Pending): string | undefined {
  for (const step of steps.toReversed()) {
    if (step.type === 'reauthenticate' && step.credential !== undefined) return step.credential
  }
  return signIn?.options.credential
}

/**
 * Whether the session's stamp is one of `current`. If it is none, the session is ended by `commit`; if it is one of the older
 * forms, it becomes the first.
 */
export async function verifyCredential(
  visit: Visit,
  current: string | readonly string[],
  commit: () => Promise<void>,
): Promise<boolean> {
  const stamps = readStamps(current)
  const found = find(visit, stamps)
  if (found === 'nobody') return false
  if (found === 'unstamped' || found === 0) return true
  if (found > 0) {
    await upgrade(visit, stamps)
    return true
  }
  if (await changedHere(visit, stamps)) return true
  endWith(visit, 'credential')
  visit.previous = { reason: 'credential' }
  await commit()
  return false
}

function readStamps(current: unknown): readonly string[] {
  const stamps: readonly unknown[] = Array.isArray(current) && current.length > 0 ? current : [current]
  for (const stamp of stamps) requireStamp(stamp, 'verifyCredential(current)')
  return stamps as readonly string[] // as was just checked
}

/** Where among `stamps` the session's is; -1 for nowhere. One that is not stored yet is none to upgrade. */
function find(visit: Visit, stamps: readonly string[]): number | 'nobody' | 'unstamped' {
  const { intents, record } = visit
  if (visit.state === 'anonymous') return 'nobody'
  const pending = pendingStamp(intents)
  if (pending !== undefined) return Math.min(findEqual(pending, stamps), 0)
  if (intents.signIn !== null || record === null || record.credential === null) return 'unstamped'
  return findEqual(record.credential, digests(visit, stamps))
}

function digests(visit: Visit, stamps: readonly string[]): readonly string[] {
  const { sid } = visit.token as Token // whoever is signed in came with one
  return stamps.map((stamp) => credentialDigest(sid, stamp))
}

/** Whether another request of this very session has changed the credential since this one read the record. */
async function changedHere(visit: Visit, stamps: readonly string[]): Promise<boolean> {
  const { engine, record } = visit
  if (pendingStamp(visit.intents) !== undefined || record === null) return false
  const now = await withBudget(engine.storeTimeoutMs, (budget) =>
    callStore(engine, budget, 'get', (options) => engine.store.get(record.id, options)),
  )
  return findEqual(now?.credential ?? '', digests(visit, stamps)) >= 0
}

/** A stamp in an older form of the same credential gives way to the first. Failing costs nobody a page: the next request tries again. */
async function upgrade(visit: Visit, stamps: readonly string[]): Promise<void> {
  const { engine } = visit
  const record = visit.record as SessionRecord
  const [first] = digests(visit, stamps) as [string]
  try {
    await withBudget(engine.storeTimeoutMs, (budget) => restamp(visit, budget, record, first))
  } catch (error) {
    reportFailure(engine, 'replace', record, false, error)
  }
}

async function restamp(visit: Visit, budget: Budget, known: SessionRecord, credential: string): Promise<void> {
  const { engine, accepted } = visit
  await engine.queue.run(known.id, budget, async (latest) => {
    const { wrote, from, current } = await swap(engine, budget, {
      from: latest !== null && writes(latest) > writes(known) ? latest : known,
      build: (now) => {
        const applies = now.credential === known.credential
        return applies && rejudge(now, accepted, engine.policy, engine.clock.now()) === null
          ? { ...now, credential }
          : null
      },
    })
    if (wrote !== null && from === known) {
      visit.record = wrote
      visit.due.confirm = false // what the load left to write was part of it
    }
    return current
  })
}
