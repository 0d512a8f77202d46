import { metrics } from '@opentelemetry/api'
import { createSessions, memoryStore } from '@sess/core'
import { instrumentStore, measureSessions } from '@sess/otel'
import { expectTypeOf, test } from 'vitest'

const sessions = createSessions<{ cart: string[] }>({ store: memoryStore() })

test('an instrumented store is what it was', () => {
  expectTypeOf(instrumentStore(memoryStore())).toEqualTypeOf<ReturnType<typeof memoryStore>>()
  // @ts-expect-error no store
  instrumentStore({ get: async () => null })
})

test('sessions with any data are measured', () => {
  expectTypeOf(measureSessions(sessions)).toEqualTypeOf<() => void>()
  measureSessions(sessions, { meter: metrics.getMeter('shop'), inUseForMs: 60_000 })
  // @ts-expect-error no such option
  measureSessions(sessions, { inUseFor: '1m' })
})
