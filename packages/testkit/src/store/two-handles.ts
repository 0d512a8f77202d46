import type { SessionRecord, SessionStore } from '@sess/core'
import { type Case, deepEqual, equal, notEqual, ok } from '../case.ts'
import { concurrencyCases } from './concurrency.ts'
import { createCases } from './create.ts'
import { getCases } from './get.ts'
import { replaceCases } from './replace.ts'
import type { StoreSubject } from './subject.ts'

const WRITERS = 8
const WRITES = 25
const SHARED = ['store/create-in-parallel', 'store/get-sees-own-writes', 'store/replace-conflict-is-current']

const alternating = [...createCases, ...getCases, ...replaceCases]
  .filter(({ id }) => SHARED.includes(id))
  .concat(concurrencyCases)
  .map(({ id, title, level, run }) => ({
    id: id.replace('store/', 'store/two-handles-'),
    title: `${title}, over two handles by turns`,
    level,
    run: (subject: StoreSubject) => run({ ...subject, store: byTurns(subject) }),
  }))

/**
 * What holds between processes that share a storage: cases of `storeCases` with every other operation going over the other
 * handle. They fail where `storeKit()` was given no `openOther`.
 */
export const twoHandleCases: readonly Case<StoreSubject>[] = [
  ...alternating,
  {
    id: 'store/two-handles-chain',
    title: 'writers on both handles make one chain of revisions: none has two successors, and no write is lost',
    level: 'must',
    run: async (subject) => {
      const { store, other } = distinct(subject)
      const first = subject.record({ data: '0' })
      await store.create(first)
      const links: (readonly [string, string])[] = []
      const write = async (_: unknown, index: number): Promise<void> => {
        const handle = index % 2 === 0 ? store : other
        for (let made = 0; made < WRITES; made += 1) links.push(await append({ ...subject, store: handle }, first.id))
      }
      await Promise.all(Array.from({ length: WRITERS }, write))
      const successor = new Map(links)
      equal(successor.size, WRITERS * WRITES, 'revisions with a successor')
      let last: string | undefined = first.revision
      for (const _ of links) last = successor.get(last ?? '')
      const { revision, data } = (await other.get(first.id)) as SessionRecord
      deepEqual({ revision, data }, { revision: last, data: String(links.length) }, 'the end of the chain')
    },
  },
]

/** One more write on whatever is there: from which revision to which. */
async function append({ store, next }: StoreSubject, id: string): Promise<readonly [string, string]> {
  for (let current = await store.get(id); ; ) {
    ok(current, 'the record')
    const written = next(current, { data: String(Number(current.data) + 1) })
    const answer = await store.replace(written, current.revision)
    if (answer.ok) return [current.revision, written.revision]
    current = answer.current
  }
}

/** A store whose calls go to one handle and the other by turns. */
function byTurns(subject: StoreSubject): SessionStore {
  const handles = Object.values(distinct(subject))
  let turn = 0
  const handle = (): SessionStore => handles[turn++ % 2] as SessionStore // There are two.
  return {
    durable: subject.store.durable,
    get: (...args) => handle().get(...args),
    create: (...args) => handle().create(...args),
    replace: (...args) => handle().replace(...args),
    touch: (...args) => handle().touch(...args),
  }
}

function distinct({ store, other }: StoreSubject): { readonly store: SessionStore; readonly other: SessionStore } {
  notEqual(store, other, 'a second handle (see `openOther` of storeKit)')
  return { store, other }
}
