import type { SessionStore } from '@sess/core'
import { describe, expect, it } from 'vitest'
import {
  type Case,
  endingsCases,
  pruneCases,
  register,
  type StoreSubject,
  scanCases,
  storeKit,
  subjectIndexCases,
  twoHandleCases,
} from '../src/index.ts'
import { failing } from './failing.ts'
import { admissionFlaws, feedFlaws, handleFlaws, listingFlaws, pruneFlaws, scanFlaws } from './power-flaws.ts'
import { type PowerStore, powerStore } from './power-store.ts'

const flaws = [...listingFlaws, ...admissionFlaws, ...feedFlaws, ...scanFlaws, ...pruneFlaws, ...handleFlaws]
const cases: readonly Case<StoreSubject<PowerStore>>[] = [
  ...subjectIndexCases,
  ...endingsCases,
  ...scanCases,
  ...pruneCases,
  ...twoHandleCases,
]

/** Opens two handles, which may be the same. */
const kit = (make: () => readonly [PowerStore, PowerStore]) => {
  const others = new Map<PowerStore, PowerStore>()
  return storeKit(
    () => {
      const [store, other] = make()
      others.set(store, other)
      return store
    },
    undefined,
    (store) => others.get(store) ?? store,
  )
}

describe('the cases for powers of stores', () => {
  register(cases, kit(sound), { it })

  it.each(flaws)('notice that $flaw', async ({ caughtBy, make }) => {
    const expected = caughtBy.map((id) => `store/${id}`)
    const named = cases.filter(({ id }) => expected.includes(id))
    expect(await failing(named, kit(make))).toEqual(named.map(({ id }) => id))
    expect(named).toHaveLength(expected.length)
  })

  it('each notice at least one flaw', () => {
    const noticed = new Set(flaws.flatMap(({ caughtBy }) => caughtBy.map((id) => `store/${id}`)))
    expect(cases.map(({ id }) => id).filter((id) => !noticed.has(id))).toEqual([])
  })

  it('have unique ids that start with store/', () => {
    const ids = cases.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !/^store\/[a-z]+(-[a-z]+)+$/.test(id))).toEqual([])
  })

  it('for two handles fail where there is one', async () => {
    const one = storeKit<SessionStore>(powerStore)
    expect(await failing(twoHandleCases, one)).toEqual(twoHandleCases.map(({ id }) => id))
  })
})

/** Two handles on one storage, as two clients have them. */
function sound(): readonly [PowerStore, PowerStore] {
  const store = powerStore()
  return [store, { ...store }]
}
