import { it as nodeIt } from 'node:test'
import {
  type Clock,
  type Evicting,
  memoryStore,
  type SessionRecord,
  type SessionStore,
  type SubjectIndex,
} from '@sess/core'
import { expectTypeOf, it } from 'vitest'
import {
  type AdapterSubject,
  type Case,
  endingsCases,
  FakeClock,
  pruneCases,
  register,
  type StoreSubject,
  scanCases,
  storeCases,
  storeKit,
  subjectIndexCases,
  twoHandleCases,
  UnreliableStore,
} from '../src/index.ts'

it('takes the test function of vitest and of node:test', () => {
  register(storeCases, storeKit(memoryStore), { it })
  register(storeCases, storeKit(memoryStore), { it: nodeIt })
  // @ts-expect-error a runner is needed
  register(storeCases, storeKit(memoryStore), {})
  // @ts-expect-error a reason is needed
  register(storeCases, storeKit(memoryStore), { it, exempt: { 'store/keeps-large-data': true } })
})

it('opens stores now or later, and closes what it opened', () => {
  storeKit(async () => memoryStore())
  storeKit(
    () => ({ ...memoryStore(), end: async () => {} }),
    (store) => store.end(),
  )
  // @ts-expect-error no store
  storeKit(() => new Map())
  // @ts-expect-error half a store
  storeKit(() => ({ durable: true, get: async () => null }))
})

it('wants a subject that fits the cases', () => {
  interface Door {
    readonly open: boolean
  }
  const doors: readonly Case<Door>[] = []
  register(doors, () => ({ open: true }), { it })
  register(doors, async () => ({ open: true, close: async () => {} }), { it })
  // @ts-expect-error another subject
  register(doors, () => ({ open: 'yes' }), { it })
  // @ts-expect-error a store is no door
  register(doors, storeKit(memoryStore), { it })
})

it('wants a store that has the power the cases are about', () => {
  const plain = storeKit<SessionStore>(memoryStore)
  register(
    twoHandleCases,
    storeKit<SessionStore>(memoryStore, undefined, (store) => store),
    { it },
  )
  register(subjectIndexCases, storeKit(memoryStore), { it })
  register(endingsCases, storeKit(memoryStore), { it })
  register(scanCases, storeKit(memoryStore), { it })
  // @ts-expect-error no index of subjects
  register(subjectIndexCases, plain, { it })
  // @ts-expect-error no feed of endings
  register(endingsCases, plain, { it })
  // @ts-expect-error not to be gone through
  register(scanCases, plain, { it })
  // @ts-expect-error drops expired records by itself
  register(pruneCases, storeKit(memoryStore), { it })
})

it('types cases, subjects and records', () => {
  expectTypeOf(storeCases).toEqualTypeOf<readonly Case<StoreSubject>[]>()
  expectTypeOf<StoreSubject['store']>().toEqualTypeOf<SessionStore>()
  expectTypeOf<StoreSubject['record']>().returns.toEqualTypeOf<SessionRecord>()
  expectTypeOf<Case<StoreSubject>['level']>().toEqualTypeOf<'must' | 'should'>()
})

it('ports fit where core takes them', () => {
  expectTypeOf<FakeClock>().toExtend<Clock>()
  expectTypeOf<UnreliableStore>().toExtend<SessionStore>()
  expectTypeOf<UnreliableStore['onEvict']>().toEqualTypeOf<Evicting['onEvict'] | undefined>()
  expectTypeOf<UnreliableStore['admit']>().toEqualTypeOf<SubjectIndex['admit'] | undefined>()
  new FakeClock().advance('30m')
  // @ts-expect-error not a duration
  new FakeClock().advance('30 minutes')
})

it('commands are for known operations', () => {
  const store = new UnreliableStore(memoryStore())
  store.fail('any', { times: 2, when: ({ operation }) => operation !== 'touch' })
  // @ts-expect-error not an operation of the port
  store.fail('set')
  // @ts-expect-error no such option
  store.hang('get', { count: 2 })
  expectTypeOf(store.hold('get').open).returns.resolves.toBeVoid()
  expectTypeOf(store.calls.get).toBeNumber()
  // @ts-expect-error counts are read-only
  store.calls.get = 0
})

it('runs adapter cases on any store', () => {
  expectTypeOf<NonNullable<AdapterSubject['store']>>().returns.toExtend<SessionStore>()
  expectTypeOf<() => SessionStore & Evicting>().toExtend<NonNullable<AdapterSubject['store']>>()
  // @ts-expect-error the store has to be there when a case starts
  expectTypeOf<() => Promise<SessionStore>>().toExtend<NonNullable<AdapterSubject['store']>>()
})
